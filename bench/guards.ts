/**
 * How often the guards against harm refuse a good picture, and how often they let a harmed one pass:
 *
 *   npx tsx bench/guards.ts --clean CAL-CLEAN --damaged CAL/0 --damaged CAL/1 --restored CAL-OUT/0 --restored CAL-OUT/1 \
 *     --json models/results/guards.json
 *
 * The folders are those of models/calibrate_decision.py: CAL-CLEAN holds photographs, CAL/0 their damaged copies in mild/, medium/
 * and hard/, CAL-OUT/0 what `iqpir restore --deliver always` made of these. What a guard sees first is a damaged copy; what may
 * follow it is its restoration or the photograph itself, which must pass, or the photograph harmed, which must not. For the latter
 * the damaged copies of the first folder are looked at, and the photographs themselves.
 */
import { readdir, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { parseArgs } from 'node:util';
import sharp, { type Sharp } from 'sharp';
import type { Image } from '../functions/lib/imaging/image.ts';
import { type ClassicMetric, type Measurement, measure } from '../functions/lib/quality/assessment.ts';
import { reduceToCells } from '../functions/lib/quality/cells.ts';
import { colourShift } from '../functions/lib/quality/colour-shift.ts';
import { collapsed, findHarm } from '../functions/lib/quality/guards.ts';
import { compareStructure } from '../functions/lib/quality/structure.ts';
import { readPicture } from './face-pictures.ts';
import { rounded, spread } from './spread.ts';

const levels = ['mild', 'medium', 'hard'];
const harms: Record<string, (photograph: Sharp, width: number, height: number) => Sharp> = {
  'channels swapped': (photograph) =>
    photograph.recomb([
      [0, 0, 1],
      [0, 1, 0],
      [1, 0, 0],
    ]),
  'contrast x 1.5': (photograph) => photograph.linear(1.5, -64),
  'black tile of 128 px': (photograph) =>
    photograph.composite([{ input: { create: { width: 128, height: 128, channels: 3, background: 'black' } } }]),
  'moved by 8 px': (photograph, width, height) =>
    photograph.extract({ left: 8, top: 8, width: width - 8, height: height - 8 }).extend({ right: 8, bottom: 8 }),
  'blur of sigma 4': (photograph) => photograph.blur(4),
  'blur of sigma 10': (photograph) => photograph.blur(10),
  'blur of sigma 16': (photograph) => photograph.blur(16),
};
const measures = ['averageShift', 'worstShift', 'retained', 'correlation', 'sharpness'] as const;

const { values } = parseArgs({
  options: {
    clean: { type: 'string' },
    damaged: { type: 'string', multiple: true },
    restored: { type: 'string', multiple: true },
    json: { type: 'string' },
  },
});
const { clean: cleanFolder, damaged: damagedFolders = [], restored: restoredFolders = [] } = values;
if (!cleanFolder || damagedFolders.length === 0 || damagedFolders.length !== restoredFolders.length)
  throw new Error('Expected --clean, and --damaged and --restored as often as each other.');

interface Case {
  refused?: string;
  seen: Record<(typeof measures)[number], number>;
}
const cases: Record<string, Case[]> = {};
const refusedRestorations: { picture: string; refused: string; gain: number }[] = [];

const names = (await readdir(cleanFolder)).filter((name) => /\.(png|webp|jpe?g)$/.test(name)).sort();
for (const [index, name] of names.entries()) {
  const file = join(cleanFolder, name);
  const photograph = await readPicture(file);
  const harmed: [string, Image][] = [];
  for (const [what, harm] of Object.entries(harms)) {
    const picture = harm(sharp(file).toColourspace('srgb').removeAlpha(), photograph.width, photograph.height);
    harmed.push([what, await readPicture(await picture.png().toBuffer())]);
  }
  const other = join(cleanFolder, names[(index + 1) % names.length] ?? name);
  const { width, height } = photograph;
  harmed.push(['another photograph', await readPicture(await sharp(other).resize(width, height).png().toBuffer())]);
  const harmTo = (source: Image, kind: string): void => {
    for (const [what, picture] of harmed) note(`${kind}, then ${what}`, look(source, picture));
  };
  harmTo(photograph, 'photograph');
  for (const [draw, folder] of damagedFolders.entries()) {
    for (const level of levels) {
      const source = await readPicture(await pictureLike(join(folder, level), name));
      const restored = await readPicture(await pictureLike(join(restoredFolders[draw] ?? '', level), name));
      const restoration = look(source, restored);
      note(`${level}, then its restoration`, restoration);
      note(`${level}, then the photograph`, look(source, photograph));
      if (draw === 0) harmTo(source, level);
      if (restoration.refused) {
        const gain = rounded(10 * Math.log10(squareError(source, photograph) / squareError(restored, photograph)));
        refusedRestorations.push({
          picture: `${basename(folder)}/${level}/${name}`,
          refused: restoration.refused,
          gain,
        });
      }
    }
  }
  if (process.stderr.isTTY) process.stderr.write(`\r${index + 1} of ${names.length}`);
}

const results = Object.fromEntries(
  Object.entries(cases)
    .sort(([a], [b]) => a.localeCompare(b))
    .map(([kind, all]) => [
      kind,
      {
        pictures: all.length,
        refused: all.filter(({ refused }) => refused).length,
        by: countOf(all.flatMap(({ refused }) => refused ?? [])),
        ...Object.fromEntries(measures.map((one) => [one, spread(all.map(({ seen }) => seen[one]))])),
      },
    ]),
);
console.table(Object.entries(results).map(([kind, { pictures, refused }]) => ({ kind, pictures, refused })));
console.table(refusedRestorations);
if (values.json) await writeFile(values.json, `${JSON.stringify({ results, refusedRestorations }, undefined, 1)}\n`);

/** What the guards say of a picture that follows another, and what they go by. */
function look(source: Image, picture: Image): Case {
  const [before, after] = [reduceToCells(source), reduceToCells(picture)];
  const [was, is] = [measure(source), measure(picture)];
  const { average, worst } = colourShift(before, after);
  const { retained, correlation } = compareStructure(before, after, scoreOf(was, 'noise'));
  return {
    refused: findHarm(source, picture)?.guard ?? (collapsed({ scores: was }, { scores: is }) && 'collapsed'),
    seen: {
      averageShift: average,
      worstShift: worst,
      retained,
      correlation,
      sharpness: scoreOf(is, 'sharpness') / Math.max(1e-6, scoreOf(was, 'sharpness')),
    },
  };
}

function scoreOf(scores: Measurement[], metric: ClassicMetric): number {
  return scores.find((one) => one.metric === metric)?.value ?? 0;
}

function note(kind: string, found: Case): void {
  cases[kind] ??= [];
  cases[kind].push(found);
}

/** The file of this name, whatever its ending: a restoration may be of another format. */
async function pictureLike(folder: string, name: string): Promise<string> {
  const stem = name.replace(/\.\w+$/, '');
  const found = (await readdir(folder)).find((one) => one.replace(/\.\w+$/, '') === stem);
  if (!found) throw new Error(`Expected a picture named ${stem} in ${folder}, but there is none.`);
  return join(folder, found);
}

function squareError(picture: Image, target: Image): number {
  let sum = 0;
  for (const [at, value] of target.pixels.entries()) sum += ((picture.pixels[at] ?? 0) - value) ** 2;
  return sum;
}

function countOf(words: string[]): Record<string, number> {
  return Object.fromEntries([...new Set(words)].map((word) => [word, words.filter((one) => one === word).length]));
}
