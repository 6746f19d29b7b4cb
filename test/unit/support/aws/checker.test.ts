import { createHash } from 'node:crypto';
import {
  CreateBucketCommand,
  DeleteObjectCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Buckets, checkPromises, type Originals, type Promised } from '../../../support/aws/checker.ts';
import { type Emulator, startEmulator } from '../../../support/aws/emulator.ts';

const installed = process.env.IQPIR_MINISTACK !== undefined;
if (!installed) console.warn('SKIPPED: the checker of the buckets. CONTRIBUTING.md says how to install MiniStack.');

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');

describe.skipIf(!installed)('the checker', () => {
  let emulator: Emulator;
  let client: S3Client;
  let buckets: Buckets;
  let originals: Originals;
  let count = 0;

  beforeAll(async () => {
    emulator = await startEmulator({ batchEndpoint: 'http://127.0.0.1:9' });
    client = new S3Client(emulator.options);
  });
  afterAll(() => emulator?.stop());

  beforeEach(async () => {
    buckets = { client, uploads: `uploads-${++count}`, results: `results-${count}` };
    originals = new Map();
    for (const Bucket of [buckets.uploads, buckets.results]) {
      await client.send(new CreateBucketCommand({ Bucket }));
      await client.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status: 'Enabled' } }));
    }
  });

  async function put(Bucket: string, Key: string, Body: string): Promise<string> {
    return (await client.send(new PutObjectCommand({ Bucket, Key, Body }))).VersionId ?? '';
  }

  async function upload(key: string, content = 'original'): Promise<string> {
    const version = await put(buckets.uploads, key, content);
    originals.set(key, (originals.get(key) ?? new Map()).set(version, sha256(content)));
    return version;
  }

  const recordOf = (key: string, version: string, changes: object = {}) => ({
    version: 1,
    status: 'succeeded',
    settingsHash: 'h',
    createdAt: '2026-01-02T03:04:05.000Z',
    source: { key, version, sha256: sha256('original') },
    result: { key: `results/${key}`, sha256: sha256('restored'), size: 8 },
    ...changes,
  });

  const putRecord = (key: string, version: string, changes: object = {}) =>
    put(buckets.results, `records/${key}.json`, JSON.stringify(recordOf(key, version, changes)));

  async function putRow(key: string, version: string, status = 'succeeded'): Promise<string> {
    const name = sha256(JSON.stringify([key, version]));
    const row = { key, source_version: version, status };
    await put(buckets.results, `rows/date=2026-01-02/${name}.json`, `${JSON.stringify(row)}\n`);
    return `rows/date=2026-01-02/${name}.json`;
  }

  /** An upload that was restored as it should. */
  async function settled(key: string): Promise<string> {
    const version = await upload(key);
    await put(buckets.results, `results/${key}`, 'restored');
    await putRow(key, version);
    await putRecord(key, version);
    return version;
  }

  async function broken(): Promise<[Promised, string][]> {
    const { breaches } = await checkPromises(buckets, originals);
    return breaches.map(({ promise, key }) => [promise, key]);
  }

  const removed = (Bucket: string, Key: string) => client.send(new DeleteObjectCommand({ Bucket, Key }));
  const failed = (code: string, fault: string) => ({ status: 'failed', result: undefined, error: { code, fault } });

  it('finds nothing where all is as promised, and counts it', async () => {
    await settled('a.jpg');
    await settled('b c+%2B.jpg');
    const empty = await upload('empty.jpg', '');
    await putRow('empty.jpg', empty, 'failed');
    await putRecord('empty.jpg', empty, {
      ...failed('empty-file', 'input'),
      source: { key: 'empty.jpg', version: empty },
    });
    await put(buckets.uploads, 'folder/', '');
    originals.delete('folder/');
    const { breaches, counts } = await checkPromises(buckets, originals);
    expect(breaches).toEqual([]);
    expect(counts).toEqual({
      uploads: 3,
      versions: 3,
      records: 3,
      byStatus: { succeeded: 2, 'failed: empty-file': 1 },
      results: 2,
      rows: 3,
      manifests: 0,
    });
  });

  it('takes a newer version over an older record, a retry of what failed, and a deleted upload as they should be', async () => {
    const old = await upload('a.jpg');
    await putRecord('a.jpg', old, failed('job-timeout', 'config'));
    await putRecord('a.jpg', old, failed('host-lost', 'transient'));
    await settled('a.jpg');
    await removed(buckets.uploads, 'a.jpg');
    expect(await broken()).toEqual([]);
  });

  it('finds an upload without a record', async () => {
    await settled('a.jpg');
    await upload('b.jpg');
    expect(await broken()).toEqual([['settled', 'b.jpg']]);
  });

  it('finds a record that was deleted', async () => {
    await settled('a.jpg');
    await removed(buckets.results, 'records/a.jpg.json');
    expect(await broken()).toEqual([
      ['settled', 'a.jpg'],
      ['no-orphan', 'results/a.jpg'],
    ]);
  });

  it('finds a newest version whose record is still the older one', async () => {
    await settled('a.jpg');
    await upload('a.jpg', 'newer');
    expect(await broken()).toEqual([['settled', 'a.jpg']]);
  });

  it('finds a record that an older version replaced, even where the newer one came back', async () => {
    const older = await settled('a.jpg');
    const newer = await settled('a.jpg');
    await putRecord('a.jpg', older, { settingsHash: 'other' });
    expect(await broken()).toEqual([
      ['settled', 'a.jpg'],
      ['not-replaced-by-older', 'records/a.jpg.json'],
    ]);
    await putRecord('a.jpg', newer, { settingsHash: 'another' });
    expect(await broken()).toEqual([['not-replaced-by-older', 'records/a.jpg.json']]);
  });

  it('finds a done version that was recorded again', async () => {
    const version = await settled('a.jpg');
    await putRecord('a.jpg', version);
    expect(await broken()).toEqual([['done-once', 'records/a.jpg.json']]);
  });

  it('finds two records of one upload, and a record of none', async () => {
    const version = await settled('a.jpg');
    await put(
      buckets.results,
      'records/elsewhere.json',
      JSON.stringify(recordOf('a.jpg', version, failed('x', 'input'))),
    );
    await put(
      buckets.results,
      'records/ghost.jpg.json',
      JSON.stringify(recordOf('ghost.jpg', 'v', failed('x', 'input'))),
    );
    expect((await broken()).filter(([promise]) => promise === 'one-record')).toEqual([
      ['one-record', 'records/elsewhere.json'],
      ['one-record', 'records/ghost.jpg.json'],
      ['one-record', 'a.jpg'],
    ]);
  });

  it('finds a record that is none', async () => {
    await settled('a.jpg');
    await put(buckets.results, 'records/a.jpg.json', '{"status":"working"}');
    expect(await broken()).toEqual([
      ['valid-record', 'records/a.jpg.json'],
      ['settled', 'a.jpg'],
      ['no-orphan', 'results/a.jpg'],
    ]);
  });

  it('finds a result that is missing, that has other bytes, that nobody named', async () => {
    await settled('a.jpg');
    await settled('b.jpg');
    await removed(buckets.results, 'results/a.jpg');
    await put(buckets.results, 'results/b.jpg', 'meddled!');
    await put(buckets.results, 'results/c.jpg', 'restored');
    expect(await broken()).toEqual([
      ['result-as-recorded', 'results/a.jpg'],
      ['result-as-recorded', 'results/b.jpg'],
      ['no-orphan', 'results/c.jpg'],
    ]);
  });

  it('finds a source that was not the one recorded', async () => {
    const version = await upload('a.jpg', 'other bytes');
    await put(buckets.results, 'results/a.jpg', 'restored');
    await putRow('a.jpg', version);
    await putRecord('a.jpg', version);
    expect(await broken()).toEqual([['result-as-recorded', 'records/a.jpg.json']]);
  });

  it('finds an original that was replaced, and one that went', async () => {
    await settled('a.jpg');
    const version = await settled('b.jpg');
    await put(buckets.uploads, 'a.jpg', 'by someone');
    await client.send(new DeleteObjectCommand({ Bucket: buckets.uploads, Key: 'b.jpg', VersionId: version }));
    const found = await broken();
    expect(found).toContainEqual(['original-untouched', 'a.jpg']);
    expect(found).toContainEqual(['original-untouched', 'b.jpg']);
  });

  it('finds a record without its row, a row that says otherwise, and a version with two rows', async () => {
    const a = await settled('a.jpg');
    const b = await settled('b.jpg');
    await settled('c.jpg');
    await removed(buckets.results, await putRow('a.jpg', a));
    await putRow('b.jpg', b, 'unchanged');
    const c = JSON.stringify({
      key: 'c.jpg',
      status: 'succeeded',
      source_version: originals.get('c.jpg')?.keys().next().value,
    });
    await put(buckets.results, `rows/date=2026-01-03/${sha256('another')}.json`, c);
    expect(await broken()).toEqual([
      ['row-as-recorded', 'records/a.jpg.json'],
      ['row-as-recorded', 'records/b.jpg.json'],
      ['row-as-recorded', 'records/c.jpg.json'],
    ]);
  });
});
