import { readFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import Table from 'cli-table3';
import { stringify } from 'csv-stringify/sync';
import { asRestorationError } from '../lib/contracts/errors.ts';
import { configureCodec, decode } from '../lib/imaging/codec.ts';
import { findModel } from '../lib/inference/registry.ts';
import { openSession } from '../lib/inference/session.ts';
import type { Installation } from '../lib/installation.ts';
import { assess, type Measurement } from '../lib/quality/assessment.ts';
import { exitCodes } from './exit-codes.ts';
import { collectInputs } from './input-files.ts';
import { type EngineOptions, installedModels } from './local-engine.ts';

export interface AssessOptions {
  inputs: string[];
  as: 'table' | 'json' | 'csv';
  model: string;
  maxPixels: number;
  engine: EngineOptions;
  installation: Installation;
}

/** Quality of pictures as they are; nothing is written. Rows appear as they come, in the order of the inputs. */
export async function assessCommand(options: AssessOptions): Promise<void> {
  const { files } = await collectInputs(options.inputs);
  const model = findModel(await installedModels(options.installation), options.model, 'assess');
  const { device, threads = availableParallelism() } = options.engine;
  configureCodec({ threads });
  const session = await openSession(model, { device, threads });
  const rows: Row[] = [];
  try {
    for (const [key, path] of files) {
      const row = await assessFile(key, path);
      rows.push(row);
      if (options.as === 'json') process.stdout.write(`${JSON.stringify(row)}\n`);
    }
  } finally {
    await session.close();
  }
  if (options.as === 'csv') process.stdout.write(stringify(rows.map(flat), { header: true, columns: columnsOf(rows) }));
  if (options.as === 'table') process.stdout.write(`${tableOf(rows)}\n`);
  process.exitCode = rows.some((row) => row.error) ? exitCodes.failed : exitCodes.done;

  async function assessFile(file: string, path: string): Promise<Row> {
    try {
      const { colour, facts } = await decode(await readFile(path), options);
      const { width, height } = facts;
      const { scores } = await assess(colour, session);
      return { file, width, height, scores };
    } catch (thrown) {
      const { code, message } = asRestorationError(thrown);
      return { file, error: { code, message } };
    }
  }
}

interface Row {
  file: string;
  width?: number;
  height?: number;
  scores?: Measurement[];
  error?: { code: string; message: string };
}

function flat(row: Row): Record<string, string | number | undefined> {
  const scores = Object.fromEntries((row.scores ?? []).map(({ metric, value }) => [metric, value]));
  return { file: row.file, width: row.width, height: row.height, ...scores, error: row.error?.code };
}

function columnsOf(rows: Row[]): string[] {
  const metrics = new Set(rows.flatMap(({ scores }) => (scores ?? []).map(({ metric }) => metric)));
  return ['file', 'width', 'height', ...metrics, 'error'];
}

function tableOf(rows: Row[]): string {
  const columns = columnsOf(rows);
  const table = new Table({ head: columns, style: { head: [], border: [], compact: true } });
  for (const row of rows) {
    const values = flat(row);
    table.push(columns.map((column) => shown(values[column])));
  }
  return table.toString();
}

function shown(value: string | number | undefined): string {
  if (value === undefined) return '';
  return typeof value === 'number' && !Number.isInteger(value) ? value.toFixed(3) : String(value);
}
