import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp, { type Sharp } from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { detectFaces } from '../../../../functions/lib/faces/detect.ts';
import type { DetectedFace } from '../../../../functions/lib/faces/face.ts';
import type { Image } from '../../../../functions/lib/imaging/image.ts';
import { findModel, loadRegistry, type RegisteredModel } from '../../../../functions/lib/inference/registry.ts';
import { openSession, type Session } from '../../../../functions/lib/inference/session.ts';
import { root } from '../../../support/cli.ts';
import { draw, photoLike } from '../../../support/generated-pictures.ts';
import { fixtureModel } from '../../../support/model-cards.ts';

const astronaut = join(root, 'test', 'fixtures', 'faces', 'astronaut.jpg');
const photographer = join(root, 'samples', 'photographer-gray.jpg');
/** Takes a while to draw. */
const ground = photoLike(1100, 900);

describe('with a drawn detector, for which a white square is a face', () => {
  let session: Session;
  beforeAll(async () => {
    session = await openSession(fixtureModel('spots'), { device: 'cpu', threads: 1 });
  });
  afterAll(() => session.close());

  /** A white square of `side` px on black. */
  const square = (width: number, height: number, left: number, top: number, side: number) =>
    draw(width, height, 3, (x, y) => (x >= left && x < left + side && y >= top && y < top + side ? 255 : 0));

  test.each([
    ['in the only window', 256, 256, 96, 64],
    ['in the last corner', 256, 128, 224, 96],
    ['where two windows overlap', 700, 300, 224, 64],
    ['in a picture smaller than a window', 50, 40, 0, 0],
  ])('a face of 32 px %s is found once, where it is', async (_, width, height, left, top) => {
    const { faces } = await detectFaces(square(width, height, left, top, 32), session);
    expect(faces).toHaveLength(1);
    const { box, landmarks } = faces[0] as DetectedFace;
    expect([box.x, box.y, box.width, box.height].map(Math.round)).toEqual([left, top, 32, 32]);
    expect(away(landmarks['left-eye'], { x: left + 8, y: top + 8 })).toBeLessThan(1);
    expect(away(landmarks['mouth-right'], { x: left + 22.4, y: top + 24 })).toBeLessThan(1);
  });

  test('the best comes first', async () => {
    const bright = square(256, 256, 32, 32, 32);
    const dim = square(256, 256, 160, 160, 32);
    const both = { ...bright, pixels: bright.pixels.map((value, index) => value || 0.95 * (dim.pixels[index] ?? 0)) };
    const { faces } = await detectFaces(both, session);
    expect(faces.map(({ box }) => Math.round(box.x))).toEqual([32, 160]);
  });

  test('a black picture has none', async () => {
    expect((await detectFaces(square(300, 200, 0, 0, 0), session)).faces).toEqual([]);
  });

  test('a single pixel has room for none, and is no error', async () => {
    expect((await detectFaces(square(1, 1, 0, 0, 0), session)).faces).toEqual([]);
  });

  test('a signal ends the search', async () => {
    const act = detectFaces(square(64, 64, 0, 0, 32), session, AbortSignal.abort());
    await expect(act).rejects.toMatchObject({ code: 'interrupted' });
  });

  test('a model that is no detector is refused', async () => {
    const other = await openSession(fixtureModel('identity'), { device: 'cpu', threads: 1 });
    await expect(detectFaces(square(64, 64, 0, 0, 32), other)).rejects.toMatchObject({ code: 'model-mismatch' });
    await other.close();
  });
});

const models: [string, RegisteredModel | undefined][] = [
  ['blazeface', findModel(await loadRegistry([join(root, 'models', 'registry.json')]), 'blazeface', 'detect-faces')],
  ['yunet', await yunet(process.env.IQPIR_YUNET)],
];
for (const [id, model] of models) {
  if (!model || model.absent) console.warn(`Face detector ${id} was NOT tested: its file is not here.`);
}

describe.each(models.filter(([, model]) => model && !model.absent))('with %s', { timeout: 120_000 }, (_, model) => {
  let session: Session;
  beforeAll(async () => {
    if (model) session = await openSession(model, { device: 'cpu', threads: 2 });
  });
  afterAll(() => session.close());

  const find = async (picture: Image) => (await detectFaces(picture, session)).faces;

  test('an astronaut is found, her eyes and nose where they are', async () => {
    const [face, ...others] = await find(await read(sharp(astronaut)));
    expect(others).toEqual([]);
    expectAt(face, { x: 224, y: 120 }, 1);
    expect(away(face?.landmarks['left-eye'], { x: 202, y: 101 })).toBeLessThan(6);
    expect(away(face?.landmarks['right-eye'], { x: 246, y: 101 })).toBeLessThan(6);
    expect(away(face?.landmarks.nose, { x: 225, y: 127 })).toBeLessThan(7);
  });

  test('the same in gray, in 16 bit, and in both', async () => {
    const gray = await read(sharp(astronaut).grayscale());
    expect(gray.channels).toBe(1);
    expectAt((await find(gray))[0], { x: 224, y: 120 }, 1);
    for (const picture of [gray, await read(sharp(astronaut))]) {
      const deep = { ...picture, pixels: Uint16Array.from(picture.pixels, (value) => value * 257) };
      expect(await find(deep)).toEqual(await find(picture));
    }
  });

  test('a man’s profile, in a gray photograph that was damaged', async () => {
    const faces = await find(await read(sharp(photographer)));
    expectAt(faces[0], { x: 233, y: 155 }, 0.75);
  });

  test.each([24, 48, 110, 300, 600])('a face of %i px in a picture of 1100 x 900', async (width) => {
    const side = Math.round((180 * width) / 107);
    const [left, top] = [Math.min(470, 1100 - side), Math.max(0, Math.min(330, 900 - side))];
    const input = await sharp(astronaut)
      .extract({ left: 140, top: 20, width: 180, height: 180 })
      .resize(side, side)
      .extract({ left: 0, top: 0, width: side, height: Math.min(side, 900) })
      .toBuffer();
    const picture = await read(canvas(ground).composite([{ input, left, top }]));
    const found = (await find(picture)).filter((face) => Math.abs(face.box.width - width) < 0.4 * width);
    expect(found.length).toBeGreaterThanOrEqual(1);
    expectAt(found[0], { x: left + (84 * width) / 107, y: top + (100 * width) / 107 }, width / 107);
  });

  test('forty faces, each once', async () => {
    const tile = await sharp(astronaut).extract({ left: 140, top: 20, width: 180, height: 180 }).resize(120).toBuffer();
    const layers = Array.from({ length: 40 }, (_, index) => ({
      input: tile,
      left: (index % 8) * 125,
      top: Math.floor(index / 8) * 125,
    }));
    const picture = await read(canvas(draw(1000, 625, 3, () => 120)).composite(layers));
    const faces = await find(picture);
    expect(faces).toHaveLength(40);
    const cells = new Set(faces.map(({ box }) => `${Math.floor(box.x / 125)} ${Math.floor(box.y / 125)}`));
    expect(cells.size).toBe(40);
  });

  test('no face in clouds and discs', async () => {
    for (const seed of [1, 2, 3]) expect(await find(photoLike(640, 480, { seed }))).toEqual([]);
  });

  test('what is found of a face on its side is that face, or nothing', async () => {
    for (const angle of [90, 270]) {
      const faces = await find(await read(sharp(astronaut).rotate(angle)));
      const middle = angle === 90 ? { x: 512 - 120, y: 224 } : { x: 120, y: 512 - 224 };
      for (const face of faces) expectAt(face, middle, 1);
    }
  });
});

/** YuNet as its example card describes it, with the file that the tests are told of. */
async function yunet(path: string | undefined): Promise<RegisteredModel | undefined> {
  if (!path) return undefined;
  return { card: JSON.parse(await readFile(join(root, 'models', 'cards', 'yunet.json'), 'utf8')), path };
}

async function read(picture: Sharp): Promise<Image> {
  const { data, info } = await picture.removeAlpha().raw().toBuffer({ resolveWithObject: true });
  const channels = info.channels === 1 ? 1 : 3;
  return { width: info.width, height: info.height, channels, pixels: new Uint8Array(data) };
}

function canvas({ width, height, channels, pixels }: Image): Sharp {
  return sharp(pixels, { raw: { width, height, channels } });
}

/** The middle of the box, within 25 px of a face of 107 px. */
function expectAt(face: DetectedFace | undefined, middle: { x: number; y: number }, scale: number): void {
  const { x = 0, y = 0, width = 0, height = 0 } = face?.box ?? {};
  expect(away({ x: x + width / 2, y: y + height / 2 }, middle)).toBeLessThan(25 * scale);
}

function away(one: { x: number; y: number } | undefined, other: { x: number; y: number }): number {
  return one ? Math.hypot(one.x - other.x, one.y - other.y) : Number.POSITIVE_INFINITY;
}
