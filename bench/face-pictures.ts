import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp, { type OverlayOptions } from 'sharp';
import type { DetectedFace } from '../functions/lib/faces/face.ts';
import type { Image } from '../functions/lib/imaging/image.ts';
import type { Point } from '../functions/lib/imaging/similarity.ts';

/** A picture of the data set: `index.csv` says `face` of portraits and `photo` of the rest. */
export interface Listed {
  file: string;
  kind: string;
}

/** px: the pictures of the data set are squares. */
const side = 512;

/** Widths of the faces that are pasted, px. */
export const pastedWidths = [24, 40, 80, 160] as const;

export interface Pasted {
  width: number;
  middle: Point;
  /** Distance of the eyes, px. */
  eyes: number;
  landmarks: DetectedFace['landmarks'];
}

export async function readIndex(data: string): Promise<Listed[]> {
  const [head = '', ...rows] = (await readFile(join(data, 'index.csv'), 'utf8')).trim().split('\n');
  const columns = head.split(',');
  const [file, kind] = [columns.indexOf('file'), columns.indexOf('kind')];
  return rows.map((row) => row.split(',')).map((cells) => ({ file: cells[file] ?? '', kind: cells[kind] ?? '' }));
}

export async function readPicture(source: string | Buffer): Promise<Image> {
  const { data, info } = await sharp(source)
    .toColourspace('srgb')
    .removeAlpha()
    .raw()
    .toBuffer({ resolveWithObject: true });
  return { width: info.width, height: info.height, channels: 3, pixels: new Uint8Array(data) };
}

/**
 * Four photographs side by side, 1024 x 1024, a portrait pasted into each: one of every width, with soft borders.
 * @param portraits with the face that was found in each at its whole size
 */
export async function paste(
  photographs: string[],
  portraits: { path: string; face: DetectedFace }[],
  random: () => number,
): Promise<{ picture: Buffer; pasted: Pasted[] }> {
  const layers: OverlayOptions[] = [];
  const pasted: Pasted[] = [];
  for (const [quarter, photograph] of photographs.entries()) {
    const corner = { x: (quarter % 2) * side, y: Math.floor(quarter / 2) * side };
    layers.push({ input: await sharp(photograph).resize(side, side).toBuffer(), left: corner.x, top: corner.y });
    const portrait = portraits[quarter];
    const width = pastedWidths[quarter];
    if (!portrait || !width) continue;
    const { box, landmarks } = portrait.face;
    const size = Math.min(side, Math.round((side * width) / box.width));
    const left = corner.x + Math.floor(random() * (side - size));
    const top = corner.y + Math.floor(random() * (side - size));
    const input = await sharp(portrait.path)
      .resize(size, size)
      .ensureAlpha()
      .composite([{ input: softBorder(size), blend: 'dest-in' }])
      .png()
      .toBuffer();
    layers.push({ input, left, top });
    const at = ({ x, y }: Point): Point => ({ x: left + (x * size) / side, y: top + (y * size) / side });
    const points = Object.entries(landmarks).map(([name, point]) => [name, at(point)]);
    const places = Object.fromEntries(points) as DetectedFace['landmarks'];
    const { 'left-eye': one = { x: 0, y: 0 }, 'right-eye': other = { x: 0, y: 0 } } = places;
    pasted.push({
      width: (box.width * size) / side,
      middle: at({ x: box.x + box.width / 2, y: box.y + box.height / 2 }),
      eyes: Math.hypot(one.x - other.x, one.y - other.y),
      landmarks: places,
    });
  }
  const canvas = sharp({ create: { width: 2 * side, height: 2 * side, channels: 3, background: '#888' } });
  return { picture: await canvas.composite(layers).removeAlpha().png().toBuffer(), pasted };
}

/** Blur of 1 px, normal noise of 20 (of 255), JPEG at quality 50. */
export async function damage(picture: Buffer, random: () => number): Promise<Buffer> {
  const { data, info } = await sharp(picture).blur(1).removeAlpha().raw().toBuffer({ resolveWithObject: true });
  for (let i = 0; i < data.length; i++) {
    // Four uniform numbers are near enough to a normal one; their variance is 1/3.
    const noise = (random() + random() + random() + random() - 2) * Math.sqrt(3);
    data[i] = Math.min(Math.max((data[i] ?? 0) + 20 * noise, 0), 255);
  }
  const { width, height } = info;
  return sharp(data, { raw: { width, height, channels: 3 } })
    .jpeg({ quality: 50 })
    .toBuffer();
}

function softBorder(size: number): Buffer {
  const stops = '<stop offset=".85" stop-color="#fff"/><stop offset="1" stop-color="#fff" stop-opacity="0"/>';
  const gradient = `<defs><radialGradient id="g">${stops}</radialGradient></defs>`;
  return Buffer.from(
    `<svg width="${size}" height="${size}">${gradient}<rect width="100%" height="100%" fill="url(#g)"/></svg>`,
  );
}
