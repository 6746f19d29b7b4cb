import { createHash } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { followersOver } from '../../../functions/lib/cloud/record-followers.ts';
import { submitManifest } from '../../../functions/lib/cloud/submit-manifest.ts';
import { awsLayout } from '../../../functions/lib/contracts/keys.ts';
import type { Upload } from '../../../functions/lib/contracts/object-event.ts';
import { RestorationRecord } from '../../../functions/lib/contracts/record.ts';
import { Settings } from '../../../functions/lib/contracts/settings.ts';
import { FolderStore } from '../../../functions/lib/storage/folder-store.ts';
import { stampOf } from '../../../functions/lib/storage/stamp.ts';
import { settleFailedJob } from '../../../functions/settle/failed-job.ts';
import type { SettleContext } from '../../../functions/settle/settle.ts';
import { jobEvent } from '../../support/job-events.ts';
import { deliveredRecord, failedRecord } from '../../support/records.ts';
import { expectCode, keysOf, textOf } from '../../support/store-under-test.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const layout = awsLayout('');
const settings = Settings.parse({});
let results: FolderStore;
let dispose: () => Promise<void>;
let context: SettleContext;
let sent: unknown[];
let lines: { level: string; message: string }[];
beforeEach(async () => {
  const folder = await temporaryFolder();
  dispose = folder.dispose;
  results = new FolderStore({ root: folder.path });
  sent = [];
  lines = [];
  context = {
    results,
    layout,
    software: { name: 'iqpir-restore', version: 'test' },
    followers: followersOver(results, async ({ detail }) => void sent.push(detail)),
    log: (level, message) => void lines.push({ level, message }),
    now: () => new Date('2026-11-23T12:00:00Z'),
  };
});
afterEach(() => dispose());

const upload = (key: string, version = 1): Upload => ({
  bucket: 'up',
  key,
  size: 3,
  version: `v${version}`,
  sequencer: `0${version}`,
  eventTime: `2026-11-23T10:00:0${version}Z`,
});
const sourceOf = ({ bucket, key, version, size, sequencer }: Upload) => ({ bucket, key, version, size, sequencer });

async function manifest(...shares: Upload[][]): Promise<string> {
  const content = { version: 1, createdAt: '2026-11-23T10:00:00Z', settings, overwrite: false, shares } as const;
  return submitManifest(content, { store: results, layout, submitJob: async () => {} });
}

async function recordOf(key: string): Promise<RestorationRecord> {
  return RestorationRecord.parse(JSON.parse(await textOf((await results.get(`records/${key}.json`)).body)));
}

async function putRecord(of: Upload, record: RestorationRecord): Promise<void> {
  await results.put(`records/${of.key}.json`, Buffer.from(JSON.stringify({ ...record, source: sourceOf(of) })));
}

/** An image as a worker puts it, before its record. */
async function putImage(of: Upload, key = `results/${of.key}`): Promise<void> {
  const body = Buffer.from(`image of ${of.version}`);
  const sha256 = createHash('sha256').update(body).digest('hex');
  const result = {
    bucket: results.bucket,
    key,
    sha256,
    size: body.length,
    format: 'jpeg' as const,
    width: 1,
    height: 1,
  };
  await results.put(key, body, { metadata: stampOf(of, 'a'.repeat(64), result) });
}

const settle = async (key: string, detail: Parameters<typeof jobEvent>[2] = {}) =>
  settleFailedJob(jobEvent(results.bucket, key, detail), context);

describe('a job that failed for good', () => {
  it('leaves a failed record, a row and an event for each upload that had none', async () => {
    const key = await manifest([upload('a.jpg'), upload('b.jpg')]);
    expect(await settle(key)).toMatchObject({ written: 2, found: 0, left: [] });
    expect(await recordOf('a.jpg')).toMatchObject({
      status: 'failed',
      source: sourceOf(upload('a.jpg')),
      createdAt: '2026-11-23T10:00:01.000Z',
      error: { code: 'job-failed', fault: 'transient' },
    });
    expect(await keysOf(results, 'rows/date=2026-11-23/')).toHaveLength(2);
    expect(sent).toMatchObject([{ status: 'failed' }, { status: 'failed' }]);
  });

  it('leaves alone what has its record, whatever its outcome, and tells of it again', async () => {
    const [done, failed, transient] = [upload('done.jpg'), upload('failed.jpg'), upload('transient.jpg')];
    await putRecord(done, deliveredRecord());
    await putRecord(failed, failedRecord());
    await putRecord(transient, failedRecord({}, 'transient'));
    const before = await Promise.all([done, failed, transient].map(({ key }) => recordOf(key)));
    expect(await settle(await manifest([done, failed, transient]))).toMatchObject({ written: 0, found: 3 });
    expect(await Promise.all([done, failed, transient].map(({ key }) => recordOf(key)))).toEqual(before);
    expect(sent).toHaveLength(3);
  });

  it('replaces an older version’s record, and its image goes with it', async () => {
    const [older, newer] = [upload('a.jpg', 1), upload('a.jpg', 2)];
    await putImage(older);
    await putRecord(older, deliveredRecord({ result: { ...resultAt('results/a.jpg') } }));
    await settle(await manifest([newer]));
    expect(await recordOf('a.jpg')).toMatchObject({ status: 'failed', source: { version: 'v2' } });
    expect(await keysOf(results, 'results/')).toEqual([]);
  });

  it('never replaces a newer version’s record, and removes what the older one left', async () => {
    const [older, newer] = [upload('a.jpg', 1), upload('a.jpg', 2)];
    await putRecord(newer, failedRecord());
    await putImage(older);
    expect(await settle(await manifest([older]))).toMatchObject({ written: 0, found: 1 });
    expect(await recordOf('a.jpg')).toMatchObject({ source: { version: 'v2' } });
    expect(await keysOf(results, 'results/')).toEqual([]);
  });

  it('removes the image whose record never came, in whatever format, and no other’s', async () => {
    const [killed, other] = [upload('a.jpg'), upload('a.webp')];
    await putImage(killed);
    await putImage(killed, 'results/a.png');
    await putImage(other);
    await settle(await manifest([killed]));
    expect(await keysOf(results, 'results/')).toEqual(['results/a.webp']);
  });

  it('removes an image under a failure that may be tried again only after that was put anew', async () => {
    const failed = upload('a.jpg');
    await putRecord(failed, failedRecord({ completedAt: '2026-11-23T10:30:00.000Z' }, 'transient'));
    await putImage(failed);
    expect(await settle(await manifest([failed]))).toMatchObject({ written: 1 });
    expect(await recordOf('a.jpg')).toMatchObject({ completedAt: '2026-11-23T12:00:00.000Z' });
    expect(await keysOf(results, 'results/')).toEqual([]);
  });

  it('does the same when it is told twice', async () => {
    const key = await manifest([upload('a.jpg')]);
    await settle(key);
    const first = await recordOf('a.jpg');
    expect(await settle(key)).toMatchObject({ written: 0, found: 1 });
    expect(await recordOf('a.jpg')).toEqual(first);
  });

  it('settles the others where something that is no record lies in one’s place', async () => {
    await results.put('records/a.jpg.json', Buffer.from('somebody’s notes'));
    const ended = await settle(await manifest([upload('a.jpg'), upload('b.jpg')]));
    expect(ended).toMatchObject({ written: 1, left: [{ key: 'a.jpg', error: { code: 'invalid-record' } }] });
    expect(lines).toContainEqual({ level: 'error', message: 'upload could not be settled' });
  });
});

describe('which uploads a job’s end settles', () => {
  it('a child its own share alone', async () => {
    const key = await manifest([upload('a.jpg')], [upload('b.jpg')]);
    await settle(key, { arrayProperties: { index: 1 } });
    expect(await keysOf(results, 'records/')).toEqual(['records/b.jpg.json']);
  });

  it('an array job those of children that never ran, and nothing where all of them have told', async () => {
    const key = await manifest([upload('a.jpg')], [upload('b.jpg')]);
    await settle(key, { arrayProperties: { size: 2, statusSummary: { FAILED: 1, SUCCEEDED: 1 } } });
    expect(await keysOf(results, 'records/')).toEqual([]);
    await settle(key, { arrayProperties: { size: 2, statusSummary: {} } });
    expect(await keysOf(results, 'records/')).toHaveLength(2);
  });

  it('none where it did not fail, or is none of ours', async () => {
    const key = await manifest([upload('a.jpg')]);
    await settle(key, { status: 'SUCCEEDED' });
    await settle(key, { parameters: { manifest: 's3://elsewhere/manifests/x.json' } });
    await settle(key, { parameters: {} });
    expect(await keysOf(results, 'records/')).toEqual([]);
  });

  it('all of a manifest that vanished cannot be told: it says so aloud, and the event comes again', async () => {
    const key = await manifest([upload('a.jpg')]);
    await results.delete(key);
    await expectCode(settle(key), 'invalid-manifest');
    expect(lines).toMatchObject([{ level: 'error', message: expect.stringMatching(/uploads stay open/) }]);
  });
});

function resultAt(key: string) {
  return { bucket: 'b', key, sha256: 'a'.repeat(64), size: 3, format: 'jpeg' as const, width: 4, height: 3 };
}
