import { resolve } from 'node:path';
import { folderLayout } from '../lib/contracts/keys.ts';
import type { Upload } from '../lib/contracts/object-event.ts';
import type { Settings } from '../lib/contracts/settings.ts';
import type { Installation } from '../lib/installation.ts';
import { FolderStore } from '../lib/storage/folder-store.ts';
import { takeTurns } from '../restore/turns.ts';
import { exitCodes } from './exit-codes.ts';
import { collectInputs, inputStore, refuseCollisions, uploadsOf } from './input-files.ts';
import { type EngineOptions, openLocalEngine } from './local-engine.ts';
import { printDryRun } from './dry-run.ts';
import { showProgress } from './progress.ts';
import { readRecords } from './records.ts';
import { reportOn } from './report-on.ts';
import { runJobs } from './run.ts';
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
  const { settings, installation, signal } = options;
  const { files, ignored } = await collectInputs(options.inputs, options.output);
  refuseCollisions(files.keys(), settings.format);
  const engine = await openLocalEngine(installation, settings, options.engine);
  try {
    const bucket = resolve(options.output);
    const uploads: Upload[] = await uploadsOf(files, resolve(options.inputs[0] ?? '.'));
    if (options.dryRun) return await printDryRun({ uploads, files, ignored, bucket, engine, ...options });

    const results = new FolderStore({ root: bucket });
    const source = inputStore(resolve(options.inputs[0] ?? '.'), files);
    const progress = showProgress(uploads.length, { quiet: options.quiet });
    const { settled, unsettled } = await runJobs(uploads, {
      source,
      results,
      layout: folderLayout,
      settings,
      overwrite: options.overwrite,
      engine,
      turns: takeTurns(),
      software: { name: installation.name, version: installation.version },
      onProgress: progress.update,
      signal,
    });
    progress.stop();

    const records = await readRecords(results, folderLayout, uploads);
    if (options.json) for (const record of records) process.stdout.write(`${JSON.stringify(record)}\n`);
    if (options.report && !signal.aborted) {
      const page = await reportOn({ records, source, results, title: options.inputs.join(', '), installation });
      process.stderr.write(`Report: ${page}\n`);
    }
    const failed = summarise({ records, settled, unsettled, ignored: ignored.length, place: bucket, ...options });
    process.exitCode = failed ? exitCodes.failed : exitCodes.done;
  } finally {
    await engine.close();
  }
}
