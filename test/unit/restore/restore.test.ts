import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { followersOver } from '../../../functions/lib/cloud/record-followers.ts';
import { RestorationError } from '../../../functions/lib/contracts/errors.ts';
import { RestorationCompleted } from '../../../functions/lib/contracts/restoration-completed.ts';
import { RestorationRow } from '../../../functions/lib/contracts/row.ts';
import type { PutOptions } from '../../../functions/lib/storage/store.ts';
import type { Engines } from '../../../functions/restore/engines.ts';
import { restoreUpload } from '../../../functions/restore/restore.ts';
import { restoreShare } from '../../../functions/restore/share.ts';
import { type Bench, openBench, openModels } from '../../support/restoration.ts';
import { textOf } from '../../support/store-under-test.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

let engines: Engines;
let bench: Bench;
let folder: Awaited<ReturnType<typeof temporaryFolder>>;
beforeAll(async () => {
  engines = await openModels();
});
afterAll(() => engines.close());
beforeEach(async () => {
  folder = await temporaryFolder();
  bench = openBench(folder.path, engines);
});
afterEach(() => folder.dispose());

const wishes = (metadata: Record<string, string>) => ({ metadata });
const standings = async (uploads: Parameters<typeof restoreShare>[0]) =>
  (await restoreShare(uploads, bench.context)).settled.map(({ outcome }) => outcome.standing);

describe('an upload that asks for its own settings', () => {
  it('is restored by them, and they make its identity', async () => {
    const upload = await bench.put('a.jpg', undefined, wishes({ 'iqpir-score': '0.25', 'iqpir-format': 'png' }));
    const plain = await bench.put('b.jpg');
    expect(await standings([upload, plain])).toEqual(['open', 'open']);
    const [own, jobs] = [await bench.recordOf('a.jpg'), await bench.recordOf('b.jpg')];
    expect(own).toMatchObject({ status: 'succeeded', settings: { score: 0.25, format: 'png', model: 'local' } });
    expect(own).toMatchObject({ result: { key: 'results/a.png', format: 'png' } });
    expect(jobs.settings).toEqual(bench.context.settings);
    expect(own.settingsHash).not.toBe(jobs.settingsHash);
    expect(await standings([upload, plain])).toEqual(['done', 'done']);
  });

  it('gets another model, whose hash its record names, and none of the score that was meant for the job’s', async () => {
    const upload = await bench.put('a.jpg', undefined, wishes({ 'iqpir-model': 'identity' }));
    const context = { ...bench.context, settings: { ...bench.context.settings, score: 0.5 } };
    await restoreUpload(upload, context);
    const record = await bench.recordOf('a.jpg');
    expect(record).toMatchObject({ status: 'succeeded', settings: { model: 'identity' } });
    expect(record.settings.score).toBeUndefined();
    expect('models' in record && record.models.map(({ id }) => id)).toEqual(['identity', 'judge']);
    expect(await restoreUpload(upload, context)).toEqual({ standing: 'done' });
  });

  it.each([
    ['a score that is no number', { 'iqpir-score': 'high' }, /high/],
    ['a score above 1', { 'iqpir-score': '1.5' }, /1\.5/],
    ['a fidelity below 0', { 'iqpir-fidelity': '-0.1' }, /between 0 and 1/],
    ['a format that is not written', { 'iqpir-format': 'bmp' }, /webp/],
    ['a model that is not there', { 'iqpir-model': 'nothing' }, /local, identity/],
    ['a model that restores nothing', { 'iqpir-model': 'judge' }, /local, identity/],
    ['a score of a model that takes none', { 'iqpir-model': 'identity', 'iqpir-score': '0.5' }, /identity has none/],
  ])('fails by input for %s, and says what was expected', async (_, metadata, says) => {
    const upload = await bench.put('a.jpg', undefined, wishes(metadata as Record<string, string>));
    await restoreUpload(upload, bench.context);
    const record = await bench.recordOf('a.jpg');
    expect(record).toMatchObject({ status: 'failed', error: { code: 'invalid-request', fault: 'input' } });
    expect(record.status === 'failed' && record.error.message).toMatch(says);
    expect(await bench.keys('results/')).toEqual([]);
    expect(await standings([upload])).toEqual(['done']);
  });

  it('may be a result that somebody uploads again: its stamp and summary are no wishes', async () => {
    await restoreUpload(await bench.put('a.jpg'), bench.context);
    const { head, body } = await bench.results.get('results/a.jpg');
    const options: PutOptions = { metadata: head.metadata };
    const again = await bench.put('b.jpg', Buffer.from(await body.toArray().then(Buffer.concat)), options);
    await restoreUpload(again, bench.context);
    expect(await bench.recordOf('b.jpg')).toMatchObject({ status: 'succeeded', settings: bench.context.settings });
  });
});

describe('what lies in the results', () => {
  it('is told by the object itself: type, status, scores', async () => {
    await restoreUpload(await bench.put('a.jpg'), bench.context);
    const head = await bench.results.head('results/a.jpg');
    expect(head).toMatchObject({
      contentType: 'image/jpeg',
      metadata: {
        'iqpir-status': 'succeeded',
        'iqpir-decision': 'always',
        'iqpir-quality-before': expect.stringMatching(/^0\.\d{3}$/),
        'iqpir-quality-after': expect.stringMatching(/^0\.\d{3}$/),
      },
    });
  });

  it('fails as source-gone where the upload was deleted or replaced, and leaves no image of it behind', async () => {
    const [gone, replaced] = [await bench.put('gone.jpg'), await bench.put('replaced.jpg')];
    await bench.uploads.delete(gone.key);
    await bench.uploads.put(replaced.key, Buffer.from('another'));
    await restoreShare([gone, replaced], bench.context);
    for (const name of ['gone.jpg', 'replaced.jpg']) {
      expect(await bench.recordOf(name)).toMatchObject({
        status: 'failed',
        error: { code: 'source-gone', fault: 'input' },
      });
    }
    expect(await bench.keys('results/')).toEqual([]);
  });

  it('stays when a second attempt fails: a failure replaces nothing that was delivered', async () => {
    const upload = await bench.put('a.jpg');
    await restoreUpload(upload, bench.context);
    await bench.uploads.delete(upload.key);
    const outcome = await restoreUpload(upload, { ...bench.context, overwrite: true });
    expect(outcome).toMatchObject({ standing: 'done', failure: { code: 'source-gone' } });
    expect(await bench.recordOf('a.jpg')).toMatchObject({ status: 'succeeded' });
    expect(await bench.keys('results/')).toEqual(['results/a.jpg']);
  });
});

describe('rows and events', () => {
  const sent: unknown[] = [];
  const steps: string[] = [];
  beforeEach(async () => {
    sent.length = 0;
    steps.length = 0;
    const told = followersOver(bench.results, async ({ detail }) => void sent.push(detail));
    bench.context.followers = {
      beforeCommit: async (record) => {
        steps.push(`row, ${(await bench.keys('records/')).length} records`);
        await told.beforeCommit?.(record);
      },
      afterCommit: async (record, key) => {
        steps.push(`event, ${(await bench.keys('records/')).length} records`);
        await told.afterCommit?.(record, key);
      },
    };
  });
  const rows = async () => {
    const keys = await bench.keys('rows/');
    return Promise.all(
      keys.map(async (key) => RestorationRow.parse(JSON.parse(await textOf((await bench.results.get(key)).body)))),
    );
  };

  it('follow each record, the row before it, the event after it', async () => {
    await restoreUpload(await bench.put('a.jpg'), bench.context);
    expect(steps).toEqual(['row, 0 records', 'event, 1 records']);
    expect((await bench.keys('rows/'))[0]).toMatch(/^rows\/date=2026-11-23\/[0-9a-f]{64}\.json$/);
    expect(await rows()).toMatchObject([
      { status: 'succeeded', key: 'in/a.jpg', pixels: 96 * 64, metric: 'brightness', model: 'local', device: 'cpu' },
    ]);
    const [detail] = sent.map((each) => RestorationCompleted.parse(each));
    expect(detail).toMatchObject({
      status: 'succeeded',
      record: { bucket: bench.results.bucket, key: 'records/a.jpg.json' },
      result: { key: 'results/a.jpg' },
      decision: { delivered: 'restored', reason: 'always' },
    });
    const [row] = await rows();
    expect(row?.gain).toBeCloseTo((row?.after ?? 0) - (row?.before ?? 0));
  });

  it('tell of failures, with their code', async () => {
    await restoreUpload(await bench.put('a.jpg', Buffer.from('no picture')), bench.context);
    expect(await rows()).toMatchObject([{ status: 'failed', code: 'unsupported-format', fault: 'input' }]);
    expect(sent).toMatchObject([{ status: 'failed', error: { code: 'unsupported-format' } }]);
  });

  it('come again for a record that is found done: one row, and another event', async () => {
    const upload = await bench.put('a.jpg');
    await restoreUpload(upload, bench.context);
    await rm(join(folder.path, 'results', 'rows'), { recursive: true });
    expect(await standings([upload])).toEqual(['done']);
    expect(await rows()).toHaveLength(1);
    expect(sent).toHaveLength(2);
    expect(sent[1]).toEqual(sent[0]);
  });

  it('hand the upload back where the event could not be sent, so that it is sent by the next attempt', async () => {
    const upload = await bench.put('a.jpg');
    let works = false;
    bench.context.followers = followersOver(bench.results, async ({ detail }) => {
      if (!works) throw new RestorationError('store-unavailable', 'The bus is away.');
      sent.push(detail);
    });
    const { unsettled } = await restoreShare([upload], bench.context);
    expect(unsettled).toMatchObject([{ error: { code: 'store-unavailable' } }]);
    works = true;
    await restoreShare([upload], bench.context);
    expect(sent).toHaveLength(1);
  });
});
