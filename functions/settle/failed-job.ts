import { errorFields } from '../lib/cloud/log.ts';
import { asRestorationError, RestorationError } from '../lib/contracts/errors.ts';
import type { JobEvent } from '../lib/contracts/job-event.ts';
import type { JobManifest } from '../lib/contracts/manifest.ts';
import type { Upload } from '../lib/contracts/object-event.ts';
import { readManifest } from '../lib/storage/read-manifest.ts';
import { errorOfJob } from './job-failure.ts';
import { type SettleContext, type Settled, settleUploads } from './settle.ts';

/**
 * Settles what a job left open that failed for good.
 * @throws RestorationError where uploads stay open, so that the event comes again and in the end lies among the dead letters
 */
export async function settleFailedJob(event: JobEvent, context: SettleContext): Promise<Settled | undefined> {
  const { jobId, status, parameters, arrayProperties } = event.detail;
  const { log, results } = context;
  if (status !== 'FAILED' || childrenTell(event)) {
    log('info', 'job state ignored', { jobId, status, arrayProperties });
    return undefined;
  }
  const key = keyOf(parameters.manifest, results.bucket);
  if (key === undefined) {
    log('warn', 'job is none of ours', { jobId, manifest: parameters.manifest });
    return undefined;
  }
  // By version: a manifest that somebody deleted still says which uploads wait for their record.
  const manifest = await readManifest(results, key, parameters.manifestVersion).catch((thrown: unknown) => {
    const error = asRestorationError(thrown);
    const lost = 'manifest cannot be read: its uploads stay open until a backfill finds them';
    log('error', lost, { jobId, manifest: key, ...errorFields(error) });
    throw error;
  });
  const error = errorOfJob(event);
  const settled = await settleUploads(uploadsOf(event, manifest), { error, settings: manifest.settings }, context);
  const { written, found, left } = settled;
  log('info', 'failed job settled', { jobId, manifest: key, code: error.code, written, found, left: left.length });
  throwIfRetryHelps(settled);
  return settled;
}

/** What is no record will be none in an hour: it was logged, and the others are not held up by it. */
export function throwIfRetryHelps({ left }: Settled): void {
  const again = left.filter(({ error }) => error.code !== 'invalid-record');
  const [first] = again;
  if (!first) return;
  const message = `Expected to settle every upload, but ${again.length} stay open, ${first.key} first: ${first.error.message}`;
  throw new RestorationError('store-unavailable', `${message} Deliver the event again.`, { cause: first.error });
}

/** Children tell of their own ends. An array job speaks for those that never ran. */
function childrenTell({ detail: { arrayProperties } }: JobEvent): boolean {
  const { index, size, statusSummary = {} } = arrayProperties;
  if (index !== undefined || size === undefined) return false;
  return (statusSummary.FAILED ?? 0) + (statusSummary.SUCCEEDED ?? 0) >= size;
}

function uploadsOf({ detail: { arrayProperties } }: JobEvent, manifest: JobManifest): Upload[] {
  const { index, size } = arrayProperties;
  if (index === undefined && size !== undefined) return manifest.shares.flat();
  return manifest.shares[index ?? 0] ?? [];
}

function keyOf(uri: string | undefined, bucket: string): string | undefined {
  const prefix = `s3://${bucket}/`;
  return uri?.startsWith(prefix) ? uri.slice(prefix.length) : undefined;
}
