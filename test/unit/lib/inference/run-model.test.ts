import { describe, expect, onTestFinished, test } from 'vitest';
import type { Image } from '../../../../functions/lib/imaging/image.ts';
import { restoreImage } from '../../../../functions/lib/inference/run-model.ts';
import { openSession, type Session } from '../../../../functions/lib/inference/session.ts';
import { draw, photoLike, with16Bit } from '../../../support/generated-pictures.ts';
import { fixtureModel } from '../../../support/model-cards.ts';

async function opened(...model: Parameters<typeof fixtureModel>): Promise<Session> {
  const session = await openSession(fixtureModel(...model), { device: 'cpu', threads: 2 });
  onTestFinished(() => session.close());
  return session;
}

/** The largest difference between two pictures' samples. */
function largestDifference(a: Image, b: Image): number {
  expect(a.pixels.length).toBe(b.pixels.length);
  let largest = 0;
  for (const [at, value] of a.pixels.entries()) largest = Math.max(largest, Math.abs(value - (b.pixels[at] ?? 0)));
  return largest;
}

describe('tiles of a local model', () => {
  const picture = photoLike(611, 470);

  test('equal the picture restored whole, within 1/255 everywhere, and change it', async () => {
    const whole = await opened('local', { tiling: { tile: 1024, overlap: 64, fade: 0 } });
    const tiled = await opened('local', { tiling: { tile: 256, overlap: 64, fade: 0 } });
    const one = await restoreImage(whole, picture, {});
    const many = await restoreImage(tiled, picture, {});
    expect([one.tiles, many.tiles]).toEqual([1, 12]);
    expect(largestDifference(one.image, picture)).toBeGreaterThan(20);
    expect(largestDifference(one.image, many.image)).toBeLessThanOrEqual(1);
  });

  test('would not without their overlap: the test can see a seam', async () => {
    const whole = await opened('local', { tiling: { tile: 1024, overlap: 64, fade: 0 } });
    const bare = await opened('local', { tiling: { tile: 256, overlap: 0, fade: 0 } });
    const one = await restoreImage(whole, picture, {});
    expect(largestDifference(one.image, (await restoreImage(bare, picture, {})).image)).toBeGreaterThan(1);
  });

  test('are the same bytes every time', async () => {
    const session = await opened('local');
    const first = await restoreImage(session, picture, {});
    const second = await restoreImage(session, picture, {});
    expect(largestDifference(first.image, second.image)).toBe(0);
  });
});

describe('tiles of a model that sees the whole tile', () => {
  /** Dark on the left, bright on the right: the drifting model lightens one half and darkens the other. */
  const picture = draw(300, 200, 3, (x, y) => 60 + x / 3 + y / 8);

  test('meet without a visible step where the card asks for a fade', async () => {
    const faded = await restoreImage(
      await opened('drifting', { tiling: { tile: 128, overlap: 8, fade: 32 } }),
      picture,
      {},
    );
    const placed = await restoreImage(
      await opened('drifting', { tiling: { tile: 128, overlap: 8, fade: 0 } }),
      picture,
      {},
    );
    expect(largestStep(placed.image)).toBeGreaterThan(8);
    // The ramp itself rises by 1/3 a pixel; two levels across a smooth place is what an eye begins to see as a line.
    expect(largestStep(faded.image)).toBeLessThanOrEqual(2);
  });
});

describe('a restored picture', () => {
  test.each([
    ['8 bit', photoLike(150, 97)],
    ['16 bit', with16Bit(photoLike(150, 97))],
    ['gray', photoLike(150, 97, { channels: 1 })],
    ['gray of 16 bit', with16Bit(photoLike(70, 90, { channels: 1 }))],
    ['one pixel high', draw(200, 1, 3, (x) => x)],
    ['one pixel wide', draw(1, 200, 1, (_, y) => y)],
    ['a single pixel', draw(1, 1, 3, () => 77)],
  ])(
    'has the size, the depth, the channels and, from the identity, every bit of its source: %s',
    async (_, picture) => {
      const session = await opened('identity', { size: { minimum: 32, multiple: 32 } });
      const { image, nonFinite } = await restoreImage(session, picture, {});
      expect(image).toEqual(picture);
      expect(nonFinite).toBe(0);
    },
  );

  test('from a model that gives NaN says so', async () => {
    const { nonFinite } = await restoreImage(await opened('broken'), photoLike(80, 40), {});
    expect(nonFinite).toBe(80 * 40 * 3);
  });
});

describe('a request', () => {
  const picture = photoLike(64, 64);

  test('left out takes the defaults of the card, and both score and fidelity reach the model', async () => {
    const session = await opened('local');
    const standard = await restoreImage(session, picture, {});
    expect((await restoreImage(session, picture, { score: 0.9, fidelity: 1 })).image).toEqual(standard.image);
    expect(
      largestDifference((await restoreImage(session, picture, { score: 0.2 })).image, standard.image),
    ).toBeGreaterThan(1);
    expect((await restoreImage(session, picture, { fidelity: 0 })).image).toEqual(picture);
  });

  test('for a score is refused by a model without that input', async () => {
    await expect(restoreImage(await opened('identity'), picture, { score: 0.5 })).rejects.toMatchObject({
      code: 'invalid-configuration',
      message: expect.stringMatching(/Expected no score for model "identity".* 0\.5/),
    });
  });

  test('that neither user nor card answers is refused', async () => {
    await expect(restoreImage(await opened('local', { defaults: {} }), picture, {})).rejects.toMatchObject({
      code: 'invalid-configuration',
      message: expect.stringContaining('Expected a score'),
    });
  });
});

describe('progress', () => {
  const picture = photoLike(200, 100);

  test('is told tile by tile, with the time inside the model', async () => {
    const told: [number, number][] = [];
    const { seconds } = await restoreImage(
      await opened('identity'),
      picture,
      {},
      { onTile: (...tile) => told.push(tile) },
    );
    expect(told).toEqual(Array.from({ length: 8 }, (_, index) => [index + 1, 8]));
    expect(seconds).toBeGreaterThan(0);
  });

  test('ends between tiles where the signal is raised', async () => {
    const stop = new AbortController();
    const onTile = (done: number) => done === 3 && stop.abort();
    const act = restoreImage(await opened('identity'), picture, {}, { onTile, signal: stop.signal });
    await expect(act).rejects.toMatchObject({ code: 'interrupted', message: expect.stringContaining('3 of 8 tiles') });
  });
});

describe('want of memory', () => {
  const picture = photoLike(200, 120);

  test('halves the tile, twice if need be, and the picture is the same', async () => {
    const totals = new Set<number>();
    const session = await opened('greedy');
    const { image, tiles } = await restoreImage(session, picture, {}, { onTile: (_, total) => totals.add(total) });
    expect(image).toEqual(picture);
    // 256 and 128 px ask for what no machine has; 64 px tiles are four by two.
    expect([...totals]).toEqual([8]);
    expect(tiles).toBe(8);
  });

  test('ends as a failure that may pass where halving twice is not enough', async () => {
    const session = await opened('greedy', { tiling: { tile: 512, overlap: 0, fade: 0 } });
    await expect(restoreImage(session, photoLike(512, 32), {})).rejects.toMatchObject({
      code: 'inference-failed',
      fault: 'transient',
    });
  });
});

/** The largest difference between neighbours, across or down, in one channel. */
function largestStep({ width, channels, pixels }: Image): number {
  let largest = 0;
  for (let at = 0; at < pixels.length; at++) {
    const right = pixels[at + channels];
    const below = pixels[at + width * channels];
    const lastColumn = Math.floor(at / channels) % width === width - 1;
    if (!lastColumn && right !== undefined) largest = Math.max(largest, Math.abs(right - (pixels[at] ?? 0)));
    if (below !== undefined) largest = Math.max(largest, Math.abs(below - (pixels[at] ?? 0)));
  }
  return largest;
}
