import { join } from 'node:path';
import Table from 'cli-table3';
import { measure } from './measure.ts';
import { memoryLine } from './memory-line.ts';
import { type Kind, makePicture } from './pictures.ts';
import { results, writeFigures } from './results.ts';

const photograph = join(import.meta.dirname, '..', 'samples', 'citrus-slices.jpg');

export interface RestoreBench {
  /** Megapixels, separated by commas. */
  sizes: string;
  rgba16: string;
  threads?: string;
  device: string;
}

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

async function bench(kind: Kind, megapixels: number, { threads, device }: RestoreBench): Promise<Row> {
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

/** Runs the real command line on pictures made from a sample photograph. */
export async function benchRestore(options: RestoreBench): Promise<void> {
  const asked = (text: string) => text.split(',').filter(Boolean).map(Number);
  const wanted = [
    ...asked(options.sizes).map((megapixels) => ['rgb8', megapixels] as const),
    ...asked(options.rgba16).map((megapixels) => ['rgba16', megapixels] as const),
  ];

  const rows: Row[] = [];
  for (const [kind, megapixels] of wanted) {
    process.stderr.write(`${kind}, ${megapixels} megapixels\n`);
    rows.push(await bench(kind, megapixels, options));
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
  const { threads, device } = options;
  await writeFigures({ threads, device, rows });
}
