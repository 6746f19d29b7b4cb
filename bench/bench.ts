/**
 * How fast, and in how much memory. Runs the real command line on pictures made from a sample photograph:
 *   npm run bench                              # everything; the 100 megapixels take the longest
 *   npm run bench -- --sizes 0.3,2 --rgba16 "" # only small ones
 * The table goes to stdout, the figures to bench/results/ as JSON. Not a test: a busy machine is a slow one.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { availableParallelism, cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import Table from 'cli-table3';
import { Command } from 'commander';
import { findInstallation } from '../functions/lib/installation.ts';
import { measure } from './measure.ts';
import { memoryLine } from './memory-line.ts';
import { type Kind, makePicture } from './pictures.ts';

const results = join(import.meta.dirname, 'results');
const photograph = join(import.meta.dirname, '..', 'samples', 'dogs-already-good.jpg');

const { sizes, rgba16, threads, device } = new Command('npm run bench --')
  .option('--sizes <megapixels>', '8-bit RGB, JPEG', '0.3,2,12,100')
  .option('--rgba16 <megapixels>', '16 bit with alpha, PNG', '4,12')
  .option('--threads <n>', 'threads of the network (default: all cores)')
  .option('--device <device>', 'cpu, cuda or webgpu', 'cpu')
  .parse()
  .opts<{ sizes: string; rgba16: string; threads?: string; device: string }>();

interface Row {
  kind: Kind;
  megapixels: number;
  pictures: number;
  tiles: number;
  /** All pictures together, the start of the program and the loading of the models included. */
  wall: number;
  secondsPerMegapixel: number;
  /** Share of the wall time outside the models; once of the whole process, once from the first picture to the last. */
  overhead: number;
  overheadWithoutStart: number;
  peakMemory: number;
}

/** A stream of pictures shows what overlaps: the next is decoded and the last encoded while one is in the network. */
function picturesOf(megapixels: number): number {
  return megapixels >= 50 ? 1 : megapixels >= 10 ? 2 : megapixels >= 2 ? 4 : 8;
}

async function bench(kind: Kind, megapixels: number): Promise<Row> {
  const takes = Array.from({ length: picturesOf(megapixels) }, (_, take) => take);
  const pictures: string[] = [];
  for (const take of takes)
    pictures.push(await makePicture(photograph, join(results, 'pictures'), kind, megapixels, take));
  const { records, wall, peakMemory } = await measure(pictures, { device, ...(threads && { threads }) });
  const sum = (values: number[]) => values.reduce((total, value) => total + value, 0);
  const pixels = sum(records.map(({ image }) => image.width * image.height)) / 1e6;
  const predicted = sum(records.map(({ timings }) => timings.predictTime));
  const from = Math.min(...records.map(({ startedAt }) => Date.parse(startedAt)));
  const until = Math.max(...records.map(({ completedAt }) => Date.parse(completedAt)));
  return {
    kind,
    megapixels,
    pictures: pictures.length,
    tiles: sum(records.map(({ tiles }) => tiles)),
    wall,
    secondsPerMegapixel: wall / pixels,
    overhead: 1 - predicted / wall,
    overheadWithoutStart: 1 - predicted / ((until - from) / 1000),
    peakMemory,
  };
}

const asked = (text: string) => text.split(',').filter(Boolean).map(Number);
const wanted = [
  ...asked(sizes).map((megapixels) => ['rgb8', megapixels] as const),
  ...asked(rgba16).map((megapixels) => ['rgba16', megapixels] as const),
];

const rows: Row[] = [];
for (const [kind, megapixels] of wanted) {
  process.stderr.write(`${kind}, ${megapixels} megapixels\n`);
  rows.push(await bench(kind, megapixels));
}

const head = ['picture', 'pictures', 'tiles', 's', 's / MP', 'not inference', '… after start', 'peak MiB'];
const table = new Table({ head, style: { head: [], border: [], compact: true } });
const percent = (share: number) => `${(100 * share).toFixed(1)} %`;
for (const row of rows) {
  table.push([
    `${row.megapixels} MP ${row.kind}`,
    row.pictures,
    row.tiles,
    row.wall.toFixed(1),
    row.secondsPerMegapixel.toFixed(2),
    percent(row.overhead),
    percent(row.overheadWithoutStart),
    Math.round(row.peakMemory / 2 ** 20),
  ]);
}
console.log(table.toString());
for (const kind of ['rgb8', 'rgba16'] as const) {
  const line = memoryLine(rows.filter((row) => row.kind === kind));
  if (line) console.log(`${kind}: ${line}`);
}

const { version } = findInstallation();
const machine = { cpu: cpus()[0]?.model, cores: availableParallelism(), memory: totalmem(), node: process.version };
const measuredAt = new Date().toISOString();
await mkdir(results, { recursive: true });
const path = join(results, `${measuredAt.replaceAll(':', '-')}.json`);
await writeFile(path, `${JSON.stringify({ version, measuredAt, machine, threads, device, rows }, null, 2)}\n`);
console.log(`Figures: ${path}`);
