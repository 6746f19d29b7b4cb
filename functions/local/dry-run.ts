import { readFile } from 'node:fs/promises';
import Table from 'cli-table3';
import { asRestorationError } from '../lib/contracts/errors.ts';
import { folderLayout, recordKey } from '../lib/contracts/keys.ts';
import type { Upload } from '../lib/contracts/object-event.ts';
import { hashSettings, type Settings } from '../lib/contracts/settings.ts';
import { inspect } from '../lib/imaging/codec.ts';
import { planTiles } from '../lib/imaging/tiles.ts';
import { FolderStore } from '../lib/storage/folder-store.ts';
import { readCommitted, standingOf } from '../lib/storage/standing.ts';
import type { Engine } from '../restore/engine.ts';

export interface DryRun {
  uploads: Upload[];
  files: Map<string, string>;
  ignored: string[];
  /** The output folder; it is not made. */
  output: string;
  settings: Settings;
  overwrite: boolean;
  engine: Engine;
}

/** Says on stdout what a run would do with each input. Nothing is written. */
export async function printDryRun(run: DryRun): Promise<void> {
  const table = new Table({
    head: ['file', 'pixels', 'tiles', 'would be'],
    style: { head: [], border: [], compact: true },
  });
  for (const upload of run.uploads) table.push(await foresee(upload, run));
  process.stdout.write(`${table.toString()}\n`);
  if (run.ignored.length)
    process.stdout.write(`${run.ignored.length} files are no pictures and would be left alone.\n`);
}

async function foresee(upload: Upload, { files, output, settings, overwrite, engine }: DryRun): Promise<string[]> {
  try {
    const bytes = await readFile(files.get(upload.key) ?? '');
    const { width, height } = await inspect(bytes, settings);
    const { size, tiling } = engine.restorer;
    const tiles = tiling ? planTiles(width, height, size, tiling) : undefined;
    const count = tiles ? tiles.rows.length * tiles.columns.length : 1;
    return [upload.key, `${width} x ${height}`, String(count), await standing()];
  } catch (thrown) {
    return [upload.key, '', '', `failed: ${asRestorationError(thrown).code}`];
  }

  async function standing(): Promise<string> {
    const store = new FolderStore({ root: output, readOnly: true });
    const committed = await readCommitted(store, recordKey(folderLayout, upload.key));
    const found = standingOf(committed, upload, hashSettings(settings, engine.hashes));
    if (found === 'open' || (overwrite && found !== 'overtaken')) return 'assessed, and restored unless good already';
    return `skipped (${found})`;
  }
}
