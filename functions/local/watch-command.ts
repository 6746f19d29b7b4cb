import { mkdir } from 'node:fs/promises';
import { join, relative, resolve, sep } from 'node:path';
import { watch } from 'chokidar';
import { acceptEvent } from '../dispatch/dispatch.ts';
import { asRestorationError } from '../lib/contracts/errors.ts';
import { bucketLayout } from '../lib/contracts/keys.ts';
import type { ObjectEvent, Upload } from '../lib/contracts/object-event.ts';
import { learnedScore } from '../lib/contracts/scores.ts';
import type { Settings } from '../lib/contracts/settings.ts';
import type { Installation } from '../lib/installation.ts';
import { FolderStore } from '../lib/storage/folder-store.ts';
import type { Outcome, Progress } from '../restore/restore.ts';
import { exitCodes } from './exit-codes.ts';
import { type EngineOptions, openLocalEngine } from './local-engine.ts';
import { objectCreated } from './object-created.ts';
import { localContext, runJobs } from './run.ts';

export interface WatchOptions {
  bucket: string;
  settings: Settings;
  json: boolean;
  engine: EngineOptions;
  installation: Installation;
  signal: AbortSignal;
}

/** A file whose size stands still for this long is taken for whole. */
const settleTime = 1000;

/** Pictures that arrive together become one job. */
const batchWindow = 300;

/**
 * Turns files put into BUCKET/uploads into object-created events, and these into restorations, until told to stop.
 * What came in between two runs is found at the start, like any other file: a record tells what is done.
 */
export async function watchCommand(options: WatchOptions): Promise<void> {
  const { installation, settings, signal } = options;
  const root = resolve(options.bucket);
  const uploads = join(root, 'uploads');
  await mkdir(uploads, { recursive: true });
  const engine = await openLocalEngine(installation, settings, options.engine);
  const store = new FolderStore({ root });
  const context = {
    ...localContext({ installation, settings, engine, signal }),
    source: store,
    results: store,
    layout: bucketLayout,
  };

  let waiting = new Map<string, ObjectEvent>();
  let failed = false;
  let running: Promise<void> = Promise.resolve();
  const runWaiting = async (): Promise<void> => {
    const events = [...waiting.values()];
    waiting = new Map();
    const accepted = events.map((event) => acceptEvent(event, bucketLayout)).filter(isUpload);
    const onProgress = (progress: Progress) => {
      if (progress.stage !== 'settled' || progress.outcome.standing !== 'open') return;
      failed ||= progress.outcome.record.status === 'failed';
      if (options.json) process.stdout.write(`${JSON.stringify(progress.outcome.record)}\n`);
      else process.stderr.write(`${progress.key}: ${inWords(progress.outcome)}\n`);
    };
    const { unsettled } = await runJobs(accepted, { ...context, onProgress });
    for (const { upload, error } of unsettled) {
      if (error.code === 'interrupted') continue;
      failed = true;
      process.stderr.write(`${upload.key}: ${error.message} [${error.code}]\n`);
    }
  };

  let timer: NodeJS.Timeout | undefined;
  const onFile = async (path: string): Promise<void> => {
    const key = `${bucketLayout.uploads}${relative(uploads, path).split(sep).join('/')}`;
    try {
      waiting.set(key, await objectCreated(root, key));
    } catch (thrown) {
      process.stderr.write(`${key}: ${asRestorationError(thrown).message}\n`);
      return;
    }
    clearTimeout(timer);
    timer = setTimeout(() => {
      // One job at a time; what comes meanwhile is the next one.
      running = running.then(runWaiting);
      running.catch(() => {});
    }, batchWindow);
  };

  const watcher = watch(uploads, { awaitWriteFinish: { stabilityThreshold: settleTime, pollInterval: 100 } });
  watcher.on('add', onFile).on('change', onFile);
  watcher.on('ready', () => process.stderr.write(`Watching ${uploads}. Ctrl-C stops.\n`));
  await new Promise<void>((done) => {
    if (signal.aborted) done();
    signal.addEventListener('abort', () => done(), { once: true });
  });
  clearTimeout(timer);
  await watcher.close();
  await running;
  await engine.close();
  process.exitCode = failed ? exitCodes.failed : exitCodes.done;
}

function isUpload(accepted: ReturnType<typeof acceptEvent>): accepted is Upload {
  return accepted !== undefined && !('reason' in accepted);
}

function inWords(outcome: Outcome): string {
  if (outcome.standing !== 'open') return outcome.standing;
  const { record } = outcome;
  if (record.status === 'failed') return `failed: ${record.error.message} [${record.error.code}]`;
  const score = learnedScore(record.assessment);
  const quality =
    score && `${score.before.toFixed(2)}${score.after === undefined ? '' : ` -> ${score.after.toFixed(2)}`}`;
  return `${record.status} (${record.decision.reason}), quality ${quality}, ${record.timings.totalTime.toFixed(1)} s -> ${record.result.key}`;
}
