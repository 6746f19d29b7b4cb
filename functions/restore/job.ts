import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { errorFields, type Log } from '../lib/cloud/log.ts';
import { RestorationError } from '../lib/contracts/errors.ts';
import { awsLayout } from '../lib/contracts/keys.ts';
import type { JobManifest } from '../lib/contracts/manifest.ts';
import type { Upload } from '../lib/contracts/object-event.ts';
import { configureCodec } from '../lib/imaging/codec.ts';
import { loadRegistry } from '../lib/inference/registry.ts';
import { findInstallation } from '../lib/installation.ts';
import type { RecordFollowers } from '../lib/storage/commit.ts';
import { readManifest } from '../lib/storage/read-manifest.ts';
import type { ObjectStore } from '../lib/storage/store.ts';
import type { RestoreEnv } from './config.ts';
import { openEngines } from './engines.ts';
import { type ExitCode, exitCodes } from './exit-codes.ts';
import type { Outcome, Progress } from './restore.ts';
import { restoreShare, type ShareResult } from './share.ts';
import { takeTurns } from './turns.ts';
import { fetchUserModels } from './user-models.ts';

export interface Job {
  env: RestoreEnv;
  source: Pick<ObjectStore, 'bucket' | 'get'>;
  results: ObjectStore;
  manifestKey: string;
  /** An empty folder for models that users bring. */
  scratch: string;
  followers?: RecordFollowers;
  log: Log;
  signal: AbortSignal;
}

/**
 * One child of a job: its share of the manifest.
 * @returns the exit code by what became of the pictures
 * @throws RestorationError where not even the first picture could be begun
 */
export async function runJob(job: Job): Promise<ExitCode> {
  const { env, results, log, signal } = job;
  const manifest = await readManifest(results, job.manifestKey);
  const share = shareOf(manifest, env.AWS_BATCH_JOB_ARRAY_INDEX, job.manifestKey);
  const installation = findInstallation();
  const threads = env.IQPIR_THREADS ?? availableParallelism();
  configureCodec({ threads });
  const userRegistry = env.IQPIR_USER_MODELS === 'true' ? [await fetchUserModels(results, job.scratch)] : [];
  const registry = await loadRegistry([join(installation.root, 'models', 'registry.json'), ...userRegistry]);
  const engines = await openEngines(registry, manifest.settings, { device: env.IQPIR_DEVICE, threads });
  log('info', 'share begun', { uploads: share.length, device: env.IQPIR_DEVICE, threads });
  try {
    const ended = await restoreShare(share, {
      source: job.source,
      results,
      layout: awsLayout(env.IQPIR_UPLOADS_PREFIX),
      settings: manifest.settings,
      overwrite: manifest.overwrite,
      engine: engines.own,
      engineFor: engines.engineFor,
      turns: takeTurns(),
      software: { name: installation.name, version: installation.version },
      followers: job.followers,
      onProgress: (progress) => logProgress(log, progress),
      signal,
    });
    for (const { upload, error } of ended.unsettled) {
      log('error', 'picture without a record', { key: upload.key, ...errorFields(error) });
    }
    return exitCodeFor(ended, env.AWS_BATCH_JOB_ATTEMPT);
  } finally {
    await engines.close();
  }
}

function shareOf(manifest: JobManifest, index: number, key: string): Upload[] {
  const share = manifest.shares[index];
  if (share) return share;
  throw new RestorationError(
    'invalid-manifest',
    `Expected share ${index} in ${key}, but it has ${manifest.shares.length}. Submit the job with as many children as it has shares.`,
  );
}

/**
 * A passing fault deserves another process, perhaps on another machine: once. What fails again has its failed record, and
 * the job is done.
 */
function exitCodeFor({ settled, unsettled }: ShareResult, attempt: number): ExitCode {
  const faults = new Set(unsettled.map(({ error }) => error.fault));
  if (faults.has('transient')) return exitCodes.tryAgain;
  if (faults.size > 0) return exitCodes.configuration;
  const passing = settled.some(({ outcome }) => failureOf(outcome)?.fault === 'transient');
  return passing && attempt === 1 ? exitCodes.tryAgain : exitCodes.done;
}

function failureOf(outcome: Outcome) {
  return outcome.standing === 'open' && outcome.record.status === 'failed' ? outcome.record.error : undefined;
}

function logProgress(log: Log, progress: Progress): void {
  if (progress.stage !== 'settled') return;
  const { key, outcome } = progress;
  if (outcome.standing !== 'open') {
    const { standing, failure } = outcome;
    log(failure ? 'warn' : 'info', 'picture was settled before', {
      key,
      standing,
      ...(failure && errorFields(failure)),
    });
  } else if (outcome.record.status === 'failed') {
    log('warn', 'picture failed', { key, ...errorFields(outcome.record.error) });
  } else {
    const { status, decision, timings } = outcome.record;
    log('info', 'picture settled', { key, status, reason: decision.reason, seconds: timings.totalTime });
  }
}
