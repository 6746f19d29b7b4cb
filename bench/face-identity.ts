import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Command } from 'commander';
import { type AlignedFace, alignFace } from '../functions/lib/faces/align.ts';
import { consistencyOf } from '../functions/lib/faces/consistency.ts';
import { detectFaces } from '../functions/lib/faces/detect.ts';
import { distanceBetween, type Embedding, embedFace } from '../functions/lib/faces/embed.ts';
import type { Landmarks } from '../functions/lib/faces/face.ts';
import { configureCodec, decode } from '../functions/lib/imaging/codec.ts';
import type { Image } from '../functions/lib/imaging/image.ts';
import { installedFor } from '../functions/lib/inference/registry.ts';
import { openSession } from '../functions/lib/inference/session.ts';
import { findInstallation } from '../functions/lib/installation.ts';
import { installedModels } from '../functions/local/local-engine.ts';
import { rounded, spread } from './spread.ts';

/**
 * Calibrates the two identity measures on portraits of models/face_damage.py. A damaged portrait is the input; what a restorer
 * might give is its clean original (a bound that refuses it raises a false alarm) or another person's (one that lets it pass
 * misses). Landmarks are those that the installed detector finds in the clean portrait.
 */
const program = new Command('face-identity')
  .argument('<portraits>', 'the folder that models/face_damage.py wrote')
  .requiredOption('--out <file>', 'JSON')
  .option('--skip <n>', 'people to leave out first: those on whom a measure was thought out', '0')
  .option('--people <n>', 'at most so many of the others', '1000')
  .option('--swaps <n>', 'other people by input, for the measure that needs no model', '3')
  .parse();
const [folder = ''] = program.args;
const { out, skip, people, swaps } = program.opts<{ out: string; skip: string; people: string; swaps: string }>();

const conditions = ['mild-1', 'mild-4', 'medium-1', 'medium-2', 'medium-4', 'hard-1', 'hard-2', 'hard-4'];
const bounds = {
  consistency: [0.84, 0.86, 0.88, 0.9, 0.91, 0.92, 0.93, 0.94, 0.95, 0.96],
  distance: [0.4, 0.45, 0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8],
};

interface Portrait {
  name: string;
  person: string;
  landmarks: Landmarks;
  width: number;
  aligned: AlignedFace;
  embedding: Embedding;
}

configureCodec({ threads: 1 });
const models = await installedModels(findInstallation());
const open = (task: 'detect-faces' | 'embed-face') => {
  const model = installedFor(models, task).at(-1);
  if (!model) throw new Error(`No model to ${task} is installed.`);
  return openSession(model, { device: 'cpu', threads: 1 });
};
const detector = await open('detect-faces');
const embedder = await open('embed-face');

const read = async (kind: string, name: string): Promise<Image> =>
  (await decode(await readFile(join(folder, kind, `${name}.png`)), { maxPixels: 1e8 })).colour;

const listed = (await readFile(join(folder, 'people.csv'), 'utf8')).trim().split('\n').slice(1);
const names = listed.map((line) => line.trim().split(',')).map(([name = '', person = '']) => ({ name, person }));
const everybody = [...new Set(names.map(({ person }) => person))];
const chosen = new Set(everybody.slice(Number(skip)).slice(0, Number(people)));
const portraits: Portrait[] = [];
for (const { name, person } of names.filter((one) => chosen.has(one.person))) {
  const image = await read('clean', name);
  const face = (await detectFaces(image, detector)).faces.sort((a, b) => b.box.width - a.box.width)[0];
  const aligned = face && alignFace(image, face);
  const embedding = face && (await embedFace(image, face.landmarks, embedder));
  if (!face || !aligned || !embedding) {
    process.stderr.write(`${name}: no face found, left out\n`);
    continue;
  }
  portraits.push({ name, person, landmarks: face.landmarks, width: image.width, aligned, embedding });
}
const firsts = portraits.filter((one, index) => portraits.findIndex(({ person }) => person === one.person) === index);

const results: Record<string, { consistency: Sides; distance: Sides }> = {};
for (const condition of conditions) {
  const consistency: Sides = { same: [], other: [] };
  const distance: Sides = { same: [], other: [] };
  for (const [index, portrait] of firsts.entries()) {
    const image = await read(condition, portrait.name);
    const landmarks = shrunk(portrait.landmarks, image.width / portrait.width);
    const input = alignFace(image, { landmarks });
    const embedding = await embedFace(image, landmarks, embedder);
    if (!input || !embedding) throw new Error(`${portrait.name} cannot be aligned.`);
    for (const other of firsts) {
      distance[other === portrait ? 'same' : 'other'].push(distanceBetween(embedding, other.embedding));
    }
    consistency.same.push(consistencyOf(input.crop, portrait.aligned.crop));
    for (let step = 1; step <= Number(swaps); step++) {
      // Spread over all, and another one in each step.
      const other = firsts[(index + step * 7) % firsts.length];
      if (other && other !== portrait) consistency.other.push(consistencyOf(input.crop, other.aligned.crop));
    }
  }
  results[condition] = { consistency, distance };
  process.stderr.write(`${condition} done\n`);
}
await Promise.all([detector.close(), embedder.close()]);

interface Sides {
  same: number[];
  other: number[];
}

function shrunk(landmarks: Landmarks, scale: number): Landmarks {
  return Object.fromEntries(
    Object.entries(landmarks).map(([name, { x, y }]) => [name, { x: x * scale, y: y * scale }]),
  );
}

/** @param passes whether a value at the bound or better counts as the same person's */
function judged(sides: Sides, candidates: number[], passes: (value: number, bound: number) => boolean) {
  return {
    same: spread(sides.same),
    other: spread(sides.other),
    curve: candidates.map((bound) => ({
      bound,
      falseAlarms: share(sides.same, (value) => !passes(value, bound)),
      misses: share(sides.other, (value) => passes(value, bound)),
    })),
  };
}

function share(values: number[], holds: (value: number) => boolean): number {
  return rounded(values.filter(holds).length / values.length);
}

const everything = (measure: 'consistency' | 'distance'): Sides => ({
  same: Object.values(results).flatMap((one) => one[measure].same),
  other: Object.values(results).flatMap((one) => one[measure].other),
});
const consistent = (sides: Sides) => judged(sides, bounds.consistency, (value, bound) => value >= bound);
const near = (sides: Sides) => judged(sides, bounds.distance, (value, bound) => value <= bound);
const pairs: Sides = { same: [], other: [] };
for (const [index, one] of portraits.entries()) {
  for (const other of portraits.slice(index + 1)) {
    pairs[one.person === other.person ? 'same' : 'other'].push(distanceBetween(one.embedding, other.embedding));
  }
}
const report = {
  what: 'input: a damaged portrait. same: its clean original as what a restorer gave; other: another person',
  people: firsts.length,
  detector: detector.card.id,
  embedder: embedder.card.id,
  consistency: {
    all: consistent(everything('consistency')),
    ...Object.fromEntries(Object.entries(results).map(([name, one]) => [name, consistent(one.consistency)])),
  },
  distance: {
    'two clean pictures': near(pairs),
    all: near(everything('distance')),
    ...Object.fromEntries(Object.entries(results).map(([name, one]) => [name, near(one.distance)])),
  },
};
await writeFile(out, `${JSON.stringify(report, null, 1)}\n`);
