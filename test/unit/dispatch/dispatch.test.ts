import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { acceptEvent, dispatch } from '../../../functions/dispatch/dispatch.ts';
import { bucketLayout } from '../../../functions/lib/contracts/keys.ts';
import type { Upload } from '../../../functions/lib/contracts/object-event.ts';
import { Settings } from '../../../functions/lib/contracts/settings.ts';
import { FolderStore } from '../../../functions/lib/storage/folder-store.ts';
import { readManifest } from '../../../functions/lib/storage/read-manifest.ts';

function objectCreated(key: string, size = 1000) {
  return {
    id: '1',
    version: '0',
    source: 'aws.s3',
    'detail-type': 'Object Created',
    time: '2026-11-23T10:00:00Z',
    region: 'eu-central-1',
    detail: { bucket: { name: 'b' }, object: { key, size, etag: 'e', sequencer: '00AB' }, reason: 'PutObject' },
  };
}

describe('acceptEvent', () => {
  it('takes the key as it is, without decoding', () => {
    expect(acceptEvent(objectCreated('uploads/a+b%2B ü.png'), bucketLayout)).toMatchObject({
      key: 'uploads/a+b%2B ü.png',
    });
  });

  it('takes an empty object: it deserves its failed record', () => {
    expect(acceptEvent(objectCreated('uploads/empty.jpg', 0), bucketLayout)).toMatchObject({ size: 0 });
  });

  it('ignores a folder marker, and what lies outside the uploads', () => {
    expect(acceptEvent(objectCreated('uploads/folder/'), bucketLayout)).toMatchObject({ reason: 'folder-marker' });
    expect(acceptEvent(objectCreated('results/a.jpg'), bucketLayout)).toMatchObject({ reason: 'outside-prefix' });
  });

  it('knows no upload in anything else', () => {
    expect(
      acceptEvent({ ...objectCreated('uploads/a.jpg'), 'detail-type': 'Object Deleted' }, bucketLayout),
    ).toBeUndefined();
    expect(acceptEvent('nonsense', bucketLayout)).toBeUndefined();
  });
});

describe('dispatch', () => {
  let root: string;
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'dispatch-'));
  });
  afterEach(() => rm(root, { recursive: true }));

  const upload = (n: number, size = 1000): Upload => ({
    bucket: 'b',
    key: `uploads/${n}.jpg`,
    size,
    sequencer: '00AB',
    eventTime: `2026-11-23T10:00:${String(n % 60).padStart(2, '0')}Z`,
  });

  function context(jobs: { manifestKey: string; shares: number }[]) {
    const store = new FolderStore({ root });
    const submitJob = async (job: { manifestKey: string; shares: number }) => void jobs.push(job);
    return { settings: Settings.parse({}), overwrite: false, store, layout: bucketLayout, submitJob };
  }

  it('puts every upload into exactly one share of one manifest', async () => {
    const jobs: { manifestKey: string; shares: number }[] = [];
    const uploads = Array.from({ length: 120 }, (_, n) => upload(n));
    const using = context(jobs);
    const key = await dispatch(uploads, using);
    const manifest = await readManifest(using.store, key);
    expect(manifest.shares.flat()).toEqual(uploads);
    expect(jobs).toMatchObject([{ manifestKey: key, shares: manifest.shares.length }]);
    expect(manifest.shares.length).toBe(3);
  });

  it('starts a new share before one grows beyond what a child does in a few minutes', async () => {
    const using = context([]);
    const manifest = await readManifest(
      using.store,
      await dispatch([upload(1, 90e6), upload(2, 90e6), upload(3, 400e6)], using),
    );
    expect(manifest.shares.map((share) => share.length)).toEqual([1, 1, 1]);
  });

  it('gives the same manifest for the same batch, so that twice does no harm', async () => {
    const jobs: { manifestKey: string; shares: number }[] = [];
    const using = context(jobs);
    const first = await dispatch([upload(1), upload(2)], using);
    expect(await dispatch([upload(1), upload(2)], using)).toBe(first);
    expect(jobs).toHaveLength(2);
  });
});
