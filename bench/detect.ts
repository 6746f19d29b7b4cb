/**
 * How many faces a detector finds, and how many things it takes for faces:
 *
 *   npx tsx bench/detect.ts DATA --model blazeface --json models/results/blazeface.json
 *   npx tsx bench/detect.ts DATA --model yunet --portraits 20 --photographs 50      # a minute or two
 *
 * DATA holds portraits and photographs of 512 x 512 px and `index.csv`, which says in `kind` what is a `face`. Portraits are
 * looked at whole, then pasted at four widths into photographs, as they are and damaged. Photographs that show people are
 * left out of the false hits as far as `bench/with-people.json` names them; of those that it does not cover, every second.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { detectFaces } from '../functions/lib/faces/detect.ts';
import type { DetectedFace, LandmarkName } from '../functions/lib/faces/face.ts';
import { findModel } from '../functions/lib/inference/registry.ts';
import { openSession, type Session } from '../functions/lib/inference/session.ts';
import { findInstallation } from '../functions/lib/installation.ts';
import { installedModels } from '../functions/local/local-engine.ts';
import { damage, type Pasted, paste, pastedWidths, readIndex, readPicture } from './face-pictures.ts';

const thresholds = [0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85];

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    model: { type: 'string', default: 'blazeface' },
    portraits: { type: 'string', default: '60' },
    photographs: { type: 'string', default: '300' },
    threads: { type: 'string', default: '1' },
    json: { type: 'string' },
  },
});
const [data] = positionals;
if (!data) throw new Error('Expected the folder of the pictures: npx tsx bench/detect.ts DATA');

const { card, path } = findModel(await installedModels(findInstallation()), values.model, 'detect-faces');
if (!card.detector) throw new Error(`Expected "detector" in the card of ${card.id}.`);
// Lower than any that is reported, so that one run gives the whole curve.
const curious = { ...card, detector: { ...card.detector, threshold: thresholds[0] ?? 0.5 } };
const session = await openSession({ card: curious, path }, { device: 'cpu', threads: Number(values.threads) });
const random = numbersFrom(7);
const listed = await readIndex(data);
const people = new Set(JSON.parse(await readFile(join(import.meta.dirname, 'with-people.json'), 'utf8')) as string[]);
const portraits = shuffled(
  listed.filter(({ kind }) => kind === 'face'),
  random,
).slice(0, Number(values.portraits));
const photographs = shuffled(
  listed.filter(({ kind, file }, index) => kind !== 'face' && index % 2 === 0 && !people.has(file)),
  random,
).slice(0, Number(values.photographs));
const started = performance.now();

const whole: { path: string; face: DetectedFace }[] = [];
const scores: Record<string, number[]> = { whole: [] };
const beside: number[] = [];
for (const { file } of portraits) {
  const portrait = join(data, file);
  const [best, ...others] = await found(session, portrait);
  scores.whole?.push(best?.score ?? 0);
  beside.push(...others.map(({ score }) => score));
  if (best) whole.push({ path: portrait, face: best });
}
const landmarks: Record<string, number[]> = {};
const pastedFalse: number[] = [];
for (const state of ['clean', 'damaged']) {
  for (let turn = 0; turn < portraits.length; turn++) {
    const chosen = pastedWidths
      .map((_, index) => whole[(turn + index) % whole.length])
      .filter((one) => one !== undefined);
    const places = pastedWidths.map((_, index) => photographs[(4 * turn + index) % photographs.length]?.file ?? '');
    const { picture, pasted } = await paste(
      places.map((file) => join(data, file)),
      chosen,
      random,
    );
    const faces = await found(session, state === 'clean' ? picture : await damage(picture, random));
    for (const [index, one] of pasted.entries()) {
      const hit = faces.find((face) => isThat(face, one));
      const name = `${state} ${pastedWidths[index]} px`;
      scores[name] = [...(scores[name] ?? []), hit?.score ?? 0];
      if (hit) landmarks[name] = [...(landmarks[name] ?? []), distanceOf(hit, one)];
    }
    pastedFalse.push(...faces.filter((face) => !pasted.some((one) => isThat(face, one))).map(({ score }) => score));
  }
}
const falseHits: number[] = [];
for (const { file } of photographs)
  falseHits.push(...(await found(session, join(data, file))).map(({ score }) => score));
await session.close();

const results = {
  model: { id: card.id, version: card.modelVersion, sha256: card.sha256 },
  detector: card.detector,
  thresholds,
  portraits: portraits.length,
  photographs: photographs.length,
  /** Share of the faces that are found with at least each threshold. */
  recall: Object.fromEntries(
    Object.entries(scores).map(([name, all]) => [name, curve(all).map((n) => share(n, all.length))]),
  ),
  /** Hits that are no face, beside the portraits' own, in the pictures that they were pasted into, and in photographs. */
  falseHits: { portraits: curve(beside), pasted: curve(pastedFalse), photographs: curve(falseHits) },
  /** Median distance of the landmarks from those in the whole portrait, by the distance of the eyes. */
  landmarks: Object.fromEntries(Object.entries(landmarks).map(([name, all]) => [name, median(all)])),
  seconds: Math.round((performance.now() - started) / 1000),
};
if (values.json) await writeFile(values.json, `${JSON.stringify(results, null, 2)}\n`);
process.stdout.write(`${JSON.stringify(results, null, 2)}\n`);

async function found(session: Session, source: string | Buffer): Promise<DetectedFace[]> {
  return (await detectFaces(await readPicture(source), session)).faces;
}

/** The middle within 0.4 widths, and neither half nor twice as wide. */
function isThat({ box }: DetectedFace, { middle, width }: Pasted): boolean {
  const away = Math.hypot(box.x + box.width / 2 - middle.x, box.y + box.height / 2 - middle.y);
  return away < 0.4 * width && box.width > 0.55 * width && box.width < 1.7 * width;
}

function distanceOf(face: DetectedFace, pasted: Pasted): number {
  const names = Object.keys(pasted.landmarks) as LandmarkName[];
  const away = names.map((name) => {
    const [one, other] = [face.landmarks[name], pasted.landmarks[name]];
    return one && other ? Math.hypot(one.x - other.x, one.y - other.y) / pasted.eyes : 0;
  });
  return away.reduce((sum, each) => sum + each, 0) / names.length;
}

function curve(all: number[]): number[] {
  return thresholds.map((threshold) => all.filter((score) => score >= threshold).length);
}

function share(count: number, all: number): number {
  return Math.round((1000 * count) / all) / 1000;
}

function median(all: number[]): number {
  return Math.round(1000 * (all.toSorted((a, b) => a - b)[Math.floor(all.length / 2)] ?? 0)) / 1000;
}

/** Mulberry32: the same numbers on every machine. */
function numbersFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

function shuffled<T>(items: T[], random: () => number): T[] {
  return items
    .map((item) => ({ item, place: random() }))
    .sort((a, b) => a.place - b.place)
    .map(({ item }) => item);
}
