import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { DispatchContext } from '../../../../functions/dispatch/dispatch.ts';
import type { Job } from '../../../../functions/lib/cloud/submit-job.ts';
import { bucketLayout } from '../../../../functions/lib/contracts/keys.ts';
import { Settings } from '../../../../functions/lib/contracts/settings.ts';
import { FolderStore } from '../../../../functions/lib/storage/folder-store.ts';
import { readManifest } from '../../../../functions/lib/storage/read-manifest.ts';
import { type Backfill, backfill } from '../../../../functions/local/aws/backfill.ts';
import type { Found, Need } from '../../../../functions/local/aws/find-work.ts';
import { keysOf } from '../../../support/store-under-test.ts';

let root: string;
let store: FolderStore;
let jobs: Job[];
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'backfill-'));
  store = new FolderStore({ root });
  jobs = [];
});
afterEach(() => rm(root, { recursive: true }));

const found = (n: number, need: Need = 'missing'): Found => ({
  upload: { bucket: 'b', key: `${n}.jpg`, version: `v${n}`, size: 100, eventTime: '2025-03-01T00:00:00.000Z' },
  need,
});

async function* some(count: number, need?: Need) {
  for (let n = 0; n < count; n++) yield found(n, need);
}

const today = '2026-11-23T12:00:00.000Z';
const dispatchTo = (): DispatchContext => ({
  settings: Settings.parse({ score: 0.7 }),
  overwrite: 'outdated',
  createdAt: today,
  store,
  layout: bucketLayout,
  submitJob: async (job) => void jobs.push(job),
});

function run(changes: Partial<Backfill>) {
  return backfill({
    found: some(0),
    needs: new Set<Need>(['missing']),
    dispatch: dispatchTo(),
    waitForTurn: async () => {},
    signal: new AbortController().signal,
    ...changes,
  });
}

describe('backfill', () => {
  it('hands every upload to exactly one job, a thousand a manifest at most', async () => {
    const report = await run({ found: some(2500) });
    expect(report).toMatchObject({ sent: 2500, bytes: 250_000, jobs: 3, looked: { missing: 2500, settled: 0 } });
    const manifests = await Promise.all(jobs.map(({ manifestKey }) => readManifest(store, manifestKey)));
    const keys = manifests.flatMap(({ shares }) => shares.flat().map(({ key }) => key));
    expect(keys.sort()).toEqual(Array.from({ length: 2500 }, (_, n) => `${n}.jpg`).sort());
    for (const { shares } of manifests) expect(shares.flat().length).toBeLessThanOrEqual(1000);
  });

  it('dates its manifests by its own day, not by that of its uploads', async () => {
    await run({ found: some(1) });
    const [key] = await keysOf(store, 'manifests/');
    expect(key).toMatch(/^manifests\/2026-11-23\//);
    expect(await readManifest(store, key ?? '')).toMatchObject({
      createdAt: today,
      overwrite: 'outdated',
      settings: { score: 0.7 },
    });
  });

  it('names the version and no sequencer, as of when the version was put', async () => {
    await run({ found: some(1) });
    const manifest = await readManifest(store, jobs[0]?.manifestKey ?? '');
    expect(manifest.shares).toEqual([[found(0).upload]]);
  });

  it('meets only the needs that it is told to', async () => {
    async function* mixed() {
      for (const need of ['missing', 'failed', 'outdated', 'settled', 'unreadable'] as const) yield found(1, need);
    }
    expect((await run({ found: mixed() })).sent).toBe(1);
    const both = await run({ found: mixed(), needs: new Set<Need>(['missing', 'outdated']) });
    expect(both).toMatchObject({ sent: 2, looked: { missing: 1, failed: 1, outdated: 1, settled: 1, unreadable: 1 } });
  });

  it('counts without a trace in a dry run', async () => {
    expect(await run({ found: some(1200), dispatch: undefined })).toMatchObject({
      sent: 1200,
      bytes: 120_000,
      jobs: 0,
    });
    expect(await keysOf(store, '')).toEqual([]);
    expect(jobs).toEqual([]);
  });

  it('waits for its turn before each job, by the number of its uploads', async () => {
    const turns: number[] = [];
    await run({ found: some(1500), waitForTurn: async (pieces) => void turns.push(pieces) });
    expect(turns).toEqual([1000, 500]);
  });

  it('stops between jobs, without reading the listing to its end, and goes on where it is run again', async () => {
    const stop = new AbortController();
    let read = 0;
    async function* endless() {
      for (;;) yield found(read++);
    }
    const report = await run({
      found: endless(),
      signal: stop.signal,
      onProgress: ({ jobs }) => {
        if (jobs === 2) stop.abort();
      },
    });
    expect(report).toMatchObject({ sent: 2000, jobs: 2 });
    expect(read).toBeLessThan(2100);
    // By now the workers have put the records of what was sent.
    async function* again() {
      for (let n = 0; n < 2300; n++) yield found(n, n < 2000 ? 'settled' : 'missing');
    }
    expect(await run({ found: again() })).toMatchObject({ sent: 300, jobs: 1 });
  });
});
