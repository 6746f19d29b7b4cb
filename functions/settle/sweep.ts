import { text } from 'node:stream/consumers';
import pLimit from 'p-limit';
import { z } from 'zod';
import { errorFields } from '../lib/cloud/log.ts';
import type { SubmitJob } from '../lib/cloud/submit-job.ts';
import { submitManifest } from '../lib/cloud/submit-manifest.ts';
import { asRestorationError, RestorationError } from '../lib/contracts/errors.ts';
import { nameOfUpload, recordKey } from '../lib/contracts/keys.ts';
import type { JobManifest } from '../lib/contracts/manifest.ts';
import type { Upload } from '../lib/contracts/object-event.ts';
import { readManifest } from '../lib/storage/read-manifest.ts';
import { isSettled, readCommitted } from '../lib/storage/standing.ts';
import { throwIfRetryHelps } from './failed-job.ts';
import { type SettleContext, settleUploads } from './settle.ts';

export interface SweepContext extends SettleContext {
  submitJob: SubmitJob;
  /** ms that are left to this invocation. */
  remaining: () => number;
}

export interface Sweep {
  manifests: number;
  resubmitted: number;
  settled: number;
  /** False where time ran out: the next sweep goes on from there. */
  done: boolean;
}

const day = 24 * 60 * 60 * 1000;
/** A manifest of 1,000 uploads is looked through in seconds; so much is kept for the one at work and for the end. */
const reserve = 60_000;
const readsAtATime = 8;

/**
 * How far sweeps came, kept beside the manifests: there is no other state. Every manifest is looked at once, when it is a day
 * old; where this is lost, they all are looked at again, and nothing is done twice.
 */
const SweepState = z.strictObject({
  version: z.literal(1),
  /** ISO 8601: manifests put until then are done with. */
  sweptUntil: z.string(),
  /** A sweep that ran out of time: until when it looks, and the last key it was done with. */
  unfinished: z.strictObject({ until: z.string(), after: z.string() }).optional(),
});
type SweepState = z.infer<typeof SweepState>;

/**
 * Finds uploads that were accepted a day ago and have no record, whatever was lost in between: events of failed jobs, jobs,
 * or this program itself. They are submitted once more, and a day later settled as failed.
 */
export async function sweep(context: SweepContext): Promise<Sweep> {
  const { results, layout, log } = context;
  const state = await readState(context);
  const { until, after } = state.unfinished ?? {
    until: new Date(context.now().getTime() - day).toISOString(),
    after: '',
  };
  const swept: Sweep = { manifests: 0, resubmitted: 0, settled: 0, done: true };
  let last = after;
  const pause = () => writeState(context, { ...state, unfinished: { until, after: last } });
  for await (const { key, lastModified } of results.list(layout.manifests)) {
    const isDue = lastModified > state.sweptUntil && lastModified <= until;
    if (key === stateKey(context) || key <= after || !isDue) continue;
    if (context.remaining() < reserve) {
      await pause();
      log('info', 'sweep paused', { ...swept, done: false, after: last });
      return { ...swept, done: false };
    }
    try {
      await sweepManifest(key, context, swept);
    } catch (thrown) {
      const error = asRestorationError(thrown);
      log('error', 'manifest could not be swept', { manifest: key, ...errorFields(error) });
      if (error.fault === 'transient') {
        await pause();
        throw error;
      }
    }
    last = key;
    swept.manifests += 1;
  }
  await writeState(context, { version: 1, sweptUntil: until });
  log('info', 'sweep ended', { ...swept, until });
  return swept;
}

async function sweepManifest(key: string, context: SweepContext, swept: Sweep): Promise<void> {
  const { results, layout, submitJob, log } = context;
  const manifest = await readManifest(results, key);
  const open = await openUploads(manifest.shares.flat(), context);
  if (open.size === 0) return;
  if (manifest.resubmissionOf === undefined) {
    const shares = manifest.shares.map((share) => share.filter((upload) => open.has(upload)));
    const again: JobManifest = {
      ...manifest,
      shares: shares.filter((share) => share.length > 0),
      resubmissionOf: key,
    };
    const put = await submitManifest(again, { store: results, layout, submitJob });
    log('warn', 'uploads without a record submitted again', { manifest: key, again: put, uploads: open.size });
    swept.resubmitted += open.size;
    return;
  }
  const settled = await settleUploads([...open], { error: givenUp(manifest), settings: manifest.settings }, context);
  log('error', 'uploads without a record settled as failed', { manifest: key, uploads: settled.written });
  swept.settled += settled.written;
  throwIfRetryHelps(settled);
}

/** A record that is none keeps its place: settling says so, and so did the worker. */
async function openUploads(uploads: Upload[], { results, layout }: SweepContext): Promise<Set<Upload>> {
  const open = new Set<Upload>();
  await pLimit(readsAtATime).map(uploads, async (upload) => {
    const at = recordKey(layout, nameOfUpload(layout, upload.key) ?? upload.key);
    const settled = await readCommitted(results, at).then(
      (committed) => isSettled(committed, upload),
      (error: unknown) => {
        if (asRestorationError(error).code === 'invalid-record') return false;
        throw error;
      },
    );
    if (!settled) open.add(upload);
  });
  return open;
}

function givenUp({ resubmissionOf }: JobManifest) {
  const message =
    `Expected a record of this upload from its job (${resubmissionOf}), and then from a second one a day later, but neither ` +
    'put one, and neither is known to have failed. Look at the job queue, then run it again (iqpir aws backfill).';
  return { code: 'job-failed', fault: 'transient', message } as const;
}

function stateKey({ layout }: SweepContext): string {
  return `${layout.manifests}sweep.json`;
}

async function readState(context: SweepContext): Promise<SweepState> {
  const start: SweepState = { version: 1, sweptUntil: new Date(0).toISOString() };
  try {
    const { body } = await context.results.get(stateKey(context));
    return SweepState.parse(JSON.parse(await text(body)));
  } catch (thrown) {
    if (thrown instanceof RestorationError && thrown.code === 'source-gone') return start;
    if (thrown instanceof RestorationError) throw thrown;
    context.log('warn', 'state of the sweep was unreadable: all manifests are looked at again', { error: `${thrown}` });
    return start;
  }
}

async function writeState(context: SweepContext, state: SweepState): Promise<void> {
  const body = Buffer.from(JSON.stringify(SweepState.parse(state)));
  await context.results.put(stateKey(context), body, { contentType: 'application/json' });
}
