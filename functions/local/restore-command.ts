import { resolve } from 'node:path';
import { folderLayout } from '../lib/contracts/keys.ts';
import type { RestorationRecord } from '../lib/contracts/record.ts';
import type { Settings } from '../lib/contracts/settings.ts';
import type { Installation } from '../lib/installation.ts';
import { FolderStore } from '../lib/storage/folder-store.ts';
import type { Progress } from '../restore/restore.ts';
import type { ShareResult } from '../restore/share.ts';
import { printDryRun } from './dry-run.ts';
import { exitCodes } from './exit-codes.ts';
import { collectInputs, inputStore, refuseCollisions, uploadsOf } from './input-files.ts';
import { type EngineOptions, openLocalEngine } from './local-engine.ts';
import { showProgress } from './progress.ts';
import { readRecords } from './records.ts';
import { reportOn } from './report-on.ts';
import { localContext, runJobs } from './run.ts';
import { summarise } from './summary.ts';

export interface RestoreOptions {
  inputs: string[];
  output: string;
  settings: Settings;
  overwrite: boolean;
  json: boolean;
  quiet: boolean;
  dryRun: boolean;
  report: boolean;
  engine: EngineOptions;
  installation: Installation;
  signal: AbortSignal;
}

export async function restoreCommand(options: RestoreOptions): Promise<void> {
  const { settings, overwrite, installation, signal } = options;
  const { files, ignored } = await collectInputs(options.inputs, options.output);
  refuseCollisions(files.keys(), settings.format);
  const engine = await openLocalEngine(installation, settings, options.engine);
  try {
    const [origin, output] = [resolve(options.inputs[0] ?? '.'), resolve(options.output)];
    const uploads = await uploadsOf(files, origin);
    if (options.dryRun) return await printDryRun({ uploads, files, ignored, output, settings, overwrite, engine });

    const source = inputStore(origin, files);
    const results = new FolderStore({ root: output });
    const progress = showProgress(uploads.length, options);
    const onProgress = (step: Progress): void => {
      progress.update(step);
      if (options.json && step.stage === 'settled' && step.outcome.standing === 'open') print(step.outcome.record);
    };
    const context = localContext({ installation, settings, overwrite, engine, signal });
    const ended = await runJobs(uploads, { ...context, source, results, layout: folderLayout, onProgress });
    progress.stop();

    const records = await readRecords(results, folderLayout, uploads);
    // What was settled before has its record too, after those of this run.
    if (options.json) for (const record of records) if (wasSkipped(ended, record)) print(record);
    if (options.report && !signal.aborted) {
      const page = await reportOn({ records, source, results, title: options.inputs.join(', '), installation });
      process.stderr.write(`Report: ${page}\n`);
    }
    const failed = summarise({ ...ended, records, ignored: ignored.length, place: output, quiet: options.quiet });
    process.exitCode = failed ? exitCodes.failed : exitCodes.done;
  } finally {
    await engine.close();
  }
}

function print(record: RestorationRecord): void {
  process.stdout.write(`${JSON.stringify(record)}\n`);
}

function wasSkipped({ settled }: ShareResult, { source }: RestorationRecord): boolean {
  return settled.some(({ upload, outcome }) => upload.key === source.key && outcome.standing !== 'open');
}
