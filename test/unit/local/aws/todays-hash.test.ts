import { describe, expect, it } from 'vitest';
import { CommittedRecord } from '../../../../functions/lib/contracts/record.ts';
import { hashSettings, Settings } from '../../../../functions/lib/contracts/settings.ts';
import type { RegisteredModel } from '../../../../functions/lib/inference/registry.ts';
import { hashOfToday } from '../../../../functions/local/aws/todays-hash.ts';
import { describeModels } from '../../../../functions/restore/engine.ts';
import { fixtureModel } from '../../../support/model-cards.ts';

const decision = { assess: 'judge', good: 0.9, margin: 0.01 };
const judge = fixtureModel('judge');
const restorer = fixtureModel('local', { id: 'restorer', decision });
const registry = [judge, restorer];
const settings = Settings.parse({ model: 'restorer' });
const { hashes } = describeModels(registry, settings, 'cpu');
const usual = hashSettings(settings, hashes);

const upload = { bucket: 'b', key: 'a.jpg', version: 'v1', size: 1, eventTime: '2026-11-23T10:00:00Z' };
const record = (settingsHash: string) =>
  CommittedRecord.parse({ version: 1, status: 'succeeded', settingsHash, source: { key: 'a.jpg' } });

function uploadsWith(metadata: Record<string, string>) {
  const asked: string[] = [];
  const head = async (key: string, options: { version?: string } = {}) => {
    asked.push(`${key} ${options.version}`);
    return { key, size: 1, etag: 'e', lastModified: upload.eventTime, metadata };
  };
  return { head, asked };
}

describe('hashOfToday', () => {
  it('is that of the models installed and the settings asked, without a request where the record has it', async () => {
    const uploads = uploadsWith({});
    expect(await hashOfToday(settings, uploads, registry)(upload, record(usual))).toBe(usual);
    expect(uploads.asked).toEqual([]);
  });

  it('differs where other models or settings made the record', async () => {
    const today = hashOfToday(settings, uploadsWith({}), registry);
    for (const other of [
      hashSettings(settings, ['0'.repeat(64)]),
      hashSettings({ ...settings, format: 'png' }, hashes),
    ]) {
      expect(await today(upload, record(other))).not.toBe(other);
    }
  });

  it('differs where results are delivered by other numbers', async () => {
    const stricter = fixtureModel('local', { id: 'restorer', decision: { ...decision, margin: 0.02 } });
    const today = hashOfToday(settings, uploadsWith({}), [judge, stricter]);
    expect(await today(upload, record(usual))).not.toBe(usual);
  });

  it("counts what the upload's own metadata ask, so that its record is not outdated for ever", async () => {
    const uploads = uploadsWith({ 'iqpir-score': '0.25' });
    const own = hashSettings({ ...settings, score: 0.25 }, hashes);
    expect(await hashOfToday(settings, uploads, registry)(upload, record(own))).toBe(own);
    expect(uploads.asked).toEqual(['a.jpg v1']);
  });

  it('counts the models for faces, where there are all that it takes, unless they are not wanted', async () => {
    const detector = fixtureModel('identity', { id: 'finder', task: 'detect-faces' });
    const faces = fixtureModel('polish', { decision });
    const hashWith = (more: RegisteredModel[], asked = settings) =>
      hashOfToday(asked, uploadsWith({}), [...registry, ...more])(upload, record(usual));
    expect(await hashWith([detector])).toBe(usual);
    expect(await hashWith([faces])).toBe(usual);
    expect(await hashWith([{ ...detector, absent: true }, faces])).toBe(usual);
    expect(await hashWith([detector, faces], { ...settings, faces: 'off' })).toBe(usual);
    const all = hashSettings(settings, [...hashes, detector.card.sha256, faces.card.sha256]);
    expect(await hashWith([detector, faces])).toBe(all);
  });

  it('leaves a record alone whose upload asks for what cannot be', async () => {
    const failed = record('f'.repeat(64));
    expect(await hashOfToday(settings, uploadsWith({ 'iqpir-score': '7' }), registry)(upload, failed)).toBe(
      'f'.repeat(64),
    );
  });

  it('says before the first upload that a model is missing', () => {
    expect(() => hashOfToday(Settings.parse({ model: 'unknown' }), uploadsWith({}), registry)).toThrow('unknown');
  });
});
