/**
 * Draws the picture of the README's section on faces: a damaged photograph as iqpir-photo restores it, with what was found; the
 * face as a face model is shown it; and the mask through which one is pasted. No face model takes part: none is shipped.
 *   npx tsx samples/faces.ts samples/faces.jpg
 */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { alignFace } from '../functions/lib/faces/align.ts';
import { detectFaces } from '../functions/lib/faces/detect.ts';
import { type FaceMask, faceMask } from '../functions/lib/faces/mask.ts';
import { decode } from '../functions/lib/imaging/codec.ts';
import type { Image } from '../functions/lib/imaging/image.ts';
import { installedFor, loadRegistry } from '../functions/lib/inference/registry.ts';
import { openSession } from '../functions/lib/inference/session.ts';
import { iqpir } from '../test/support/cli.ts';
import { damage, damages } from './damage.ts';

const [output = 'samples/faces.jpg'] = process.argv.slice(2);
const root = join(import.meta.dirname, '..');
const side = 512;
const gap = 6;

const folder = await mkdtemp(join(tmpdir(), 'iqpir-faces-'));
const { data, info } = await sharp(join(root, 'test', 'fixtures', 'faces', 'astronaut.jpg'))
  .raw()
  .toBuffer({ resolveWithObject: true });
const damaged = join(folder, 'astronaut.jpg');
await writeFile(damaged, await damage({ data, info: { ...info, channels: 3 } }, damages.medium, 1));
const { code, stderr } = await iqpir(['restore', damaged, '-o', join(folder, 'out')]);
if (code !== 0) throw new Error(stderr);
const { colour } = await decode(await readFile(join(folder, 'out', 'astronaut.jpg')), { maxPixels: 1e6 });
await rm(folder, { recursive: true });

const [detector] = installedFor(await loadRegistry([join(root, 'models', 'registry.json')]), 'detect-faces');
if (!detector) throw new Error('Expected the face detector. Run npm ci.');
const session = await openSession(detector, { device: 'cpu', threads: 2 });
const [face] = (await detectFaces(colour, session)).faces;
await session.close();
const aligned = face && alignFace(colour, face);
const mask = aligned && faceMask(aligned.landmarks, side);
if (!face || !aligned || !mask) throw new Error('Expected a face.');

const { box, landmarks } = face;
const dots = Object.values(landmarks).map(({ x, y }) => `<circle cx="${x}" cy="${y}" r="2.5" fill="#ffd43b"/>`);
const marks = `<svg width="${side}" height="${side}"><rect x="${box.x}" y="${box.y}" width="${box.width}" height="${box.height}"
  fill="none" stroke="#ffd43b" stroke-width="2"/>${dots.join('')}</svg>`;

/** The crop, darkened where nothing of a restored face would come. */
function shaded({ pixels, ...crop }: Image, { weight }: FaceMask): Image {
  const seen = pixels.map((value, at) => {
    const [x, y] = [(Math.floor(at / 3) % side) + 0.5, Math.floor(at / 3 / side) + 0.5];
    return Math.round(value * (0.2 + 0.8 * weight(x, y)));
  });
  return { ...crop, pixels: seen };
}

const png = ({ pixels, width, height, channels }: Image) =>
  sharp(pixels, { raw: { width, height, channels } }).png().toBuffer();
await sharp({ create: { width: 3 * side + 2 * gap, height: side, channels: 3, background: 'white' } })
  .composite([
    { input: await png(colour), left: 0, top: 0 },
    { input: Buffer.from(marks), left: 0, top: 0 },
    { input: await png(aligned.crop), left: side + gap, top: 0 },
    { input: await png(shaded(aligned.crop, mask)), left: 2 * (side + gap), top: 0 },
  ])
  .jpeg({ quality: 86 })
  .toFile(output);
