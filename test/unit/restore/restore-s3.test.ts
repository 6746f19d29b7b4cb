import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Upload } from '../../../functions/lib/contracts/object-event.ts';
import { RestorationRecord } from '../../../functions/lib/contracts/record.ts';
import type { PutOptions } from '../../../functions/lib/storage/store.ts';
import type { Engines } from '../../../functions/restore/engines.ts';
import { type RestorationContext, restoreUpload } from '../../../functions/restore/restore.ts';
import { takeTurns } from '../../../functions/restore/turns.ts';
import { photoJpeg } from '../../support/pictures.ts';
import { layout, openModels, settings, software } from '../../support/restoration.ts';
import { s3Endpoint, type TestBucket, testBucket } from '../../support/s3-bucket.ts';
import { keysOf, textOf } from '../../support/store-under-test.ts';

describe.skipIf(!s3Endpoint)('a restoration from bucket to bucket', () => {
  let engines: Engines;
  let uploads: TestBucket;
  let unversioned: TestBucket;
  let results: TestBucket;
  let context: RestorationContext;
  beforeAll(async () => {
    engines = await openModels();
    [uploads, unversioned, results] = await Promise.all([testBucket(), testBucket({ versioned: false }), testBucket()]);
    context = {
      source: uploads.store,
      results: results.store,
      layout,
      settings,
      overwrite: false,
      engine: engines.own,
      engineFor: engines.engineFor,
      turns: takeTurns(),
      software,
    };
  });
  afterAll(async () => {
    await engines?.close();
    for (const bucket of [uploads, unversioned, results]) bucket?.dispose();
  });

  async function put({ store }: TestBucket, name: string, sequencer: string, options?: PutOptions): Promise<Upload> {
    const { key, etag, version, size } = await store.put(`in/${name}`, await photoJpeg(96, 64), options);
    return { bucket: store.bucket, key, etag, version, size, sequencer, eventTime: '2026-11-23T10:00:00Z' };
  }
  const recordOf = async (name: string) =>
    RestorationRecord.parse(JSON.parse(await textOf((await results.store.get(`records/${name}.json`)).body)));

  it('tags its result by status and quality, and summarises it in metadata', async () => {
    await restoreUpload(await put(uploads, 'a b+%2B ü.jpg', '01'), context);
    const key = 'results/a b+%2B ü.jpg';
    expect(await results.tagsOf(key)).toEqual({
      'iqpir-status': 'succeeded',
      'iqpir-quality': expect.stringMatching(/^(low|medium|high)$/),
    });
    expect(await results.store.head(key)).toMatchObject({
      contentType: 'image/jpeg',
      metadata: { 'iqpir-status': 'succeeded', 'iqpir-decision': 'always' },
    });
  });

  it('obeys x-amz-meta-iqpir-format of the upload’s own version, whatever was put since', async () => {
    const older = await put(uploads, 'own.jpg', '01', { metadata: { 'iqpir-format': 'webp' } });
    await put(uploads, 'own.jpg', '02');
    await restoreUpload(older, context);
    expect(await recordOf('own.jpg')).toMatchObject({
      result: { key: 'results/own.webp' },
      source: { version: older.version },
    });
  });

  it('restores the version it was told of though that was replaced, and gives way to the newer one’s record', async () => {
    const older = await put(uploads, 'two.jpg', '01');
    const newer = await put(uploads, 'two.jpg', '02');
    await restoreUpload(newer, context);
    expect(await restoreUpload(older, context)).toMatchObject({ standing: 'overtaken' });
    expect(await recordOf('two.jpg')).toMatchObject({ source: { version: newer.version } });
  });

  it('fails as source-gone where a bucket without versions holds another object now', async () => {
    const upload = await put(unversioned, 'replaced.jpg', '01');
    await unversioned.store.put('in/replaced.jpg', Buffer.from('another'));
    await restoreUpload(upload, { ...context, source: unversioned.store });
    expect(await recordOf('replaced.jpg')).toMatchObject({ status: 'failed', error: { code: 'source-gone' } });
    expect(await keysOf(results.store, 'results/replaced')).toEqual([]);
  });
});
