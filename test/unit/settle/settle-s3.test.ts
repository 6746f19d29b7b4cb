import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { submitManifest } from '../../../functions/lib/cloud/submit-manifest.ts';
import { awsLayout } from '../../../functions/lib/contracts/keys.ts';
import type { JobManifest } from '../../../functions/lib/contracts/manifest.ts';
import type { Upload } from '../../../functions/lib/contracts/object-event.ts';
import { Settings } from '../../../functions/lib/contracts/settings.ts';
import { type Claim, commit, type Delivery } from '../../../functions/lib/storage/commit.ts';
import type { ObjectStore } from '../../../functions/lib/storage/store.ts';
import { settleFailedJob } from '../../../functions/settle/failed-job.ts';
import { type SettleContext, settleUploads } from '../../../functions/settle/settle.ts';
import { jobEvent } from '../../support/job-events.ts';
import { deliveredRecord } from '../../support/records.ts';
import { s3Endpoint, type TestBucket, testBucket } from '../../support/s3-bucket.ts';
import { keysOf, textOf } from '../../support/store-under-test.ts';

const layout = awsLayout('');
const settings = Settings.parse({});
const error = { code: 'job-failed', fault: 'transient', message: 'Its job failed.' } as const;

describe.skipIf(!s3Endpoint)('settling in a bucket that keeps versions', () => {
  let bucket: TestBucket;
  let context: SettleContext;
  beforeEach(async () => {
    bucket = await testBucket();
    context = {
      results: bucket.store,
      layout,
      software: { name: 'iqpir-restore', version: 'test' },
      followers: {},
      log: () => {},
      now: () => new Date(),
    };
  });
  afterEach(() => bucket.dispose());

  const upload = (version: number): Upload => ({
    bucket: 'up',
    key: 'a.jpg',
    size: 3,
    version: `v${version}`,
    sequencer: `0${version}`,
    eventTime: `2026-11-23T10:00:0${version}Z`,
  });
  const claimOf = (of: Upload): Claim => ({
    upload: of,
    settingsHash: 'a'.repeat(64),
    overwrite: false,
    recordKey: 'records/a.jpg.json',
    resultKeys: ['results/a.jpg', 'results/a.png'],
  });
  const deliveryOf = (content: string): Delivery => ({
    result: {
      bucket: bucket.store.bucket,
      key: 'results/a.jpg',
      sha256: 'b'.repeat(64),
      size: content.length,
      format: 'jpeg',
      width: 1,
      height: 1,
    },
    contentType: 'image/jpeg',
    body: async () => Buffer.from(content),
  });
  const sourceOf = ({ bucket: name, key, version, size, sequencer }: Upload) => ({
    bucket: name,
    key,
    version,
    size,
    sequencer,
  });
  /** A worker with its image in hand. */
  const work = (of: Upload, store: ObjectStore, content = 'image') =>
    commit(store, claimOf(of), deliveryOf(content), (result) =>
      deliveredRecord({ source: sourceOf(of), settingsHash: 'a'.repeat(64), ...(result ? { result } : {}) }),
    );
  const recordNow = async () => JSON.parse(await textOf((await bucket.store.get('records/a.jpg.json')).body));
  const settle = (of: Upload) => settleUploads([of], { error, settings }, context);

  /** A store whose next put of a record is preceded by somebody else's work. */
  function before(work: () => Promise<unknown>): ObjectStore {
    let once = true;
    const { store } = bucket;
    const put: ObjectStore['put'] = async (key, body, options) => {
      if (once && key.startsWith('records/')) {
        once = false;
        await work();
      }
      return store.put(key, body, options);
    };
    return {
      bucket: store.bucket,
      put,
      head: (...args) => store.head(...args),
      get: (...args) => store.get(...args),
      list: (...args) => store.list(...args),
      delete: (...args) => store.delete(...args),
    };
  }

  it('reads a manifest that somebody deleted by the version that its job names', async () => {
    let manifestVersion: string | undefined;
    const content: JobManifest = {
      version: 1,
      createdAt: '2026-11-23T10:00:00Z',
      settings,
      overwrite: false,
      shares: [[upload(1)]],
    };
    const submitJob = async (job: { manifestVersion?: string | undefined }) => {
      manifestVersion = job.manifestVersion;
    };
    const key = await submitManifest(content, { store: bucket.store, layout, submitJob });
    await bucket.store.delete(key);
    const parameters = { manifest: `s3://${bucket.store.bucket}/${key}`, manifestVersion };
    expect(await settleFailedJob(jobEvent(bucket.store.bucket, key, { parameters }), context)).toMatchObject({
      written: 1,
    });
  });

  it('does not take the image of a worker that is between image and record: it puts it again', async () => {
    expect(
      await work(
        upload(1),
        before(() => settle(upload(1))),
      ),
    ).toBe('open');
    expect(await recordNow()).toMatchObject({ status: 'succeeded' });
    expect(await keysOf(bucket.store, 'results/')).toEqual(['results/a.jpg']);
  });

  it('gives way to a worker whose record comes first, and leaves its image', async () => {
    const settled = await settleUploads(
      [upload(1)],
      { error, settings },
      {
        ...context,
        results: before(() => work(upload(1), bucket.store)),
      },
    );
    expect(settled).toMatchObject({ written: 0, found: 1 });
    expect(await recordNow()).toMatchObject({ status: 'succeeded' });
    expect(await keysOf(bucket.store, 'results/')).toEqual(['results/a.jpg']);
  });

  it('leaves no image of an older version whose worker comes too late', async () => {
    expect(
      await work(
        upload(1),
        before(() => settle(upload(2))),
      ),
    ).toBe('overtaken');
    expect(await recordNow()).toMatchObject({ status: 'failed', source: { version: 'v2' } });
    expect(await keysOf(bucket.store, 'results/')).toEqual([]);
  });

  it('removes all layers: a newer version’s orphan above an older version’s result', async () => {
    await work(upload(1), bucket.store, 'older');
    const killed = before(() => Promise.reject(new Error('killed')));
    await expect(work(upload(2), killed, 'newer')).rejects.toThrow('killed');
    expect(await settle(upload(2))).toMatchObject({ written: 1 });
    expect(await keysOf(bucket.store, 'results/')).toEqual([]);
  });

  it('removes all layers: the images of attempts that were killed one after the other while a failure stood', async () => {
    await settle(upload(1));
    for (const content of ['first', 'second']) {
      const killed = before(() => Promise.reject(new Error('killed')));
      await expect(work(upload(1), killed, content)).rejects.toThrow('killed');
      await pause(1100); // S3 dates objects by the second
    }
    expect(await settle(upload(1))).toMatchObject({ written: 1 });
    expect(await keysOf(bucket.store, 'results/')).toEqual([]);
  });
});
