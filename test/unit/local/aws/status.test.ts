import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { dispatch } from '../../../../functions/dispatch/dispatch.ts';
import { awsLayout } from '../../../../functions/lib/contracts/keys.ts';
import type { Upload } from '../../../../functions/lib/contracts/object-event.ts';
import type { RestorationRecord, Source } from '../../../../functions/lib/contracts/record.ts';
import { Settings } from '../../../../functions/lib/contracts/settings.ts';
import { FolderStore } from '../../../../functions/lib/storage/folder-store.ts';
import { hashOf } from '../../../../functions/local/aws/find-manifest.ts';
import { statusOf } from '../../../../functions/local/aws/status.ts';
import { deliveredRecord, failedRecord } from '../../../support/records.ts';

const layout = awsLayout('in/');
const key = 'in/a.jpg';

let root: string;
let source: FolderStore;
let results: FolderStore;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'status-'));
  source = new FolderStore({ root: join(root, 'uploads') });
  results = new FolderStore({ root: join(root, 'results') });
});
afterEach(() => rm(root, { recursive: true }));

const status = (changes: Partial<Parameters<typeof statusOf>[0]> = {}) =>
  statusOf({ key, source, results, layout, ...changes });

async function put(content: string): Promise<Upload> {
  const { etag, version, size } = await source.put(key, Buffer.from(content));
  const head = await source.head(key);
  return { bucket: source.bucket, key, version, etag, size, eventTime: head?.lastModified ?? '' };
}

async function record(upload: Upload, make: (source: Source) => RestorationRecord) {
  const { eventTime: lastModified, ...rest } = upload;
  await results.put('records/a.jpg.json', Buffer.from(JSON.stringify(make({ ...rest, lastModified }))));
}

/** A manifest over others too, so that the upload is in its third share. */
async function manifestOver(upload: Upload): Promise<string> {
  const others = Array.from({ length: 120 }, (_, n) => ({ ...upload, key: `in/${n}.jpg` }));
  const submitJob = async () => {};
  return dispatch([...others, upload], {
    settings: Settings.parse({}),
    overwrite: false,
    store: results,
    layout,
    submitJob,
  });
}

describe('statusOf', () => {
  it.each(['succeeded', 'unchanged'] as const)(
    'says %s where the record of the current version does',
    async (state) => {
      await record(await put('one'), (source) => deliveredRecord({ source, status: state }));
      expect(await status()).toMatchObject({
        state,
        recordKey: 'records/a.jpg.json',
        upload: { size: 3 },
        record: { status: state },
      });
    },
  );

  it('says failed, and shows why', async () => {
    await record(await put('one'), (source) => failedRecord({ source }));
    expect(await status()).toMatchObject({
      state: 'failed',
      record: { error: { code: 'corrupt-image', fault: 'input' } },
    });
  });

  it('waits while only an earlier version has its record', async () => {
    const earlier = await put('one');
    await record({ ...earlier, eventTime: '2026-11-01T00:00:00.000Z' }, (source) => deliveredRecord({ source }));
    await put('another');
    expect(await status()).toMatchObject({ state: 'waiting', record: { source: { version: earlier.version } } });
  });

  it('finds the manifest and the share that an upload waits in, and its job', async () => {
    const manifestKey = await manifestOver(await put('one'));
    const asked: string[] = [];
    const found = await status({
      findJob: async (place) => {
        asked.push(`${hashOf(place.key).length} ${place.share} ${place.shares}`);
        return { id: 'job:2', status: 'RUNNING', attempts: 1 };
      },
    });
    expect(found).toMatchObject({
      state: 'waiting',
      manifest: { key: manifestKey, share: 2, shares: 3, job: { id: 'job:2', status: 'RUNNING' } },
    });
    expect(asked).toEqual(['64 2 3']);
  });

  it('takes no manifest over an earlier version for its own', async () => {
    await manifestOver(await put('one'));
    await put('another');
    expect((await status()).manifest).toBeUndefined();
  });

  it('tells an upload that was deleted after it was settled from one that never was', async () => {
    expect(await status()).toEqual({ key, state: 'absent', recordKey: 'records/a.jpg.json' });
    await record(await put('one'), (source) => deliveredRecord({ source }));
    await source.delete(key);
    const found = await status();
    expect(found.state).toBe('succeeded');
    expect(found.upload).toBeUndefined();
  });
});
