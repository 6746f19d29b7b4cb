import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Job } from '../../../functions/lib/cloud/submit-job.ts';
import { submitManifest } from '../../../functions/lib/cloud/submit-manifest.ts';
import { awsLayout } from '../../../functions/lib/contracts/keys.ts';
import type { Upload } from '../../../functions/lib/contracts/object-event.ts';
import { Settings } from '../../../functions/lib/contracts/settings.ts';
import { FolderStore } from '../../../functions/lib/storage/folder-store.ts';
import { readManifest } from '../../../functions/lib/storage/read-manifest.ts';
import { type SweepContext, sweep } from '../../../functions/settle/sweep.ts';
import { failedRecord } from '../../support/records.ts';
import { keysOf, textOf } from '../../support/store-under-test.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const layout = awsLayout('');
const hour = 3_600_000;
let results: FolderStore;
let dispose: () => Promise<void>;
let jobs: Job[];
let lines: { level: string; message: string }[];
beforeEach(async () => {
  const folder = await temporaryFolder();
  dispose = folder.dispose;
  results = new FolderStore({ root: folder.path });
  jobs = [];
  lines = [];
});
afterEach(() => dispose());

/** A sweep so many hours from now. */
function hoursLater(hours: number, changes: Partial<SweepContext> = {}): SweepContext {
  return {
    results,
    layout,
    software: { name: 'iqpir-restore', version: 'test' },
    followers: {},
    log: (level, message) => void lines.push({ level, message }),
    now: () => new Date(Date.now() + hours * hour),
    submitJob: async (job) => void jobs.push(job),
    remaining: () => 600_000,
    ...changes,
  };
}

const upload = (key: string): Upload => ({
  bucket: 'up',
  key,
  size: 3,
  version: 'v1',
  sequencer: '01',
  eventTime: '2026-11-23T10:00:00Z',
});

async function manifest(...shares: Upload[][]): Promise<string> {
  const settings = Settings.parse({});
  const content = { version: 1, createdAt: '2026-11-23T10:00:00Z', settings, overwrite: false, shares } as const;
  return submitManifest(content, { store: results, layout, submitJob: async () => {} });
}

async function settled(key: string): Promise<void> {
  const { bucket, version, size, sequencer } = upload(key);
  const record = failedRecord({ source: { bucket, key, version, size, sequencer } });
  await results.put(`records/${key}.json`, Buffer.from(JSON.stringify(record)));
}

describe('sweep', () => {
  it('leaves alone what is younger than a day', async () => {
    await manifest([upload('a')]);
    expect(await sweep(hoursLater(23))).toMatchObject({ manifests: 0, done: true });
    expect(jobs).toEqual([]);
  });

  it('submits once more what has no record after a day, and only that', async () => {
    await settled('b');
    const key = await manifest([upload('a'), upload('b')], [upload('c')]);
    expect(await sweep(hoursLater(25))).toMatchObject({ manifests: 1, resubmitted: 2, settled: 0, done: true });
    expect(jobs).toMatchObject([{ shares: 2 }]);
    const again = await readManifest(results, jobs[0]?.manifestKey ?? '');
    expect(again).toMatchObject({ resubmissionOf: key, shares: [[{ key: 'a' }], [{ key: 'c' }]] });
  });

  /** A day after now: what was put before this moment is due, what the sweep itself puts is not. */
  const sweepAfterADay = async () => {
    await pause(20);
    return sweep(hoursLater(24));
  };

  it('settles as failed what a second job left open, too, and then looks at neither manifest again', async () => {
    await manifest([upload('a')]);
    expect(await sweepAfterADay()).toMatchObject({ manifests: 1, resubmitted: 1, settled: 0 });
    expect(await sweepAfterADay()).toMatchObject({ manifests: 1, resubmitted: 0, settled: 1 });
    expect(await sweepAfterADay()).toMatchObject({ manifests: 0 });
    const record = JSON.parse(await textOf((await results.get('records/a.json')).body));
    expect(record).toMatchObject({ status: 'failed', error: { code: 'job-failed', fault: 'transient' } });
    expect(jobs).toHaveLength(1);
  });

  it('stops when its time runs out, and the next one goes on from there', async () => {
    const keys = [await manifest([upload('a')]), await manifest([upload('b')]), await manifest([upload('c')])];
    let asked = 0;
    const hurried = hoursLater(25, { remaining: () => (++asked > 1 ? 0 : 600_000) });
    expect(await sweep(hurried)).toMatchObject({ manifests: 1, done: false });
    expect(jobs).toHaveLength(1);
    expect(await sweep(hoursLater(25))).toMatchObject({ done: true });
    const swept = await Promise.all(jobs.map(async ({ manifestKey }) => readManifest(results, manifestKey)));
    const firsts = swept.map(({ resubmissionOf }) => resubmissionOf).filter((key) => keys.includes(key ?? ''));
    expect(firsts.sort()).toEqual(keys.sort());
  });

  it('goes past a manifest that is none, aloud', async () => {
    await results.put('manifests/2026-11-23/broken.json', Buffer.from('{}'));
    await manifest([upload('a')]);
    expect(await sweep(hoursLater(25))).toMatchObject({ manifests: 2, resubmitted: 1, done: true });
    expect(lines).toContainEqual({ level: 'error', message: 'manifest could not be swept' });
  });

  it('starts again where its state is lost, and does nothing twice', async () => {
    await manifest([upload('a')]);
    await settled('a');
    await sweep(hoursLater(25));
    await results.put('manifests/sweep.json', Buffer.from('not json'));
    expect(await sweep(hoursLater(25))).toMatchObject({ manifests: 1, resubmitted: 0, settled: 0 });
    expect(await keysOf(results, 'manifests/')).toHaveLength(2);
  });
});
