import { describe, expect, test } from 'vitest';
import { createMosaic } from '../../../../functions/lib/imaging/blend.ts';
import type { Image } from '../../../../functions/lib/imaging/image.ts';
import { toChannels, toTensor } from '../../../../functions/lib/imaging/tensor.ts';
import { planTiles } from '../../../../functions/lib/imaging/tiles.ts';
import { draw, photoLike, with16Bit } from '../../../support/generated-pictures.ts';

const size = { minimum: 1, multiple: 1 };
const unit: [number, number] = [0, 1];

/** Cuts a picture up and puts it together again, each tile through `change` on the way. */
function rebuilt(
  image: Image,
  tiling: { tile: number; overlap: number; fade: number },
  change = (value: number, _tile: number) => value,
) {
  const plan = planTiles(image.width, image.height, size, tiling);
  const mosaic = createMosaic(image, plan, unit);
  let tile = 0;
  for (const [row, down] of plan.rows.entries()) {
    for (const [column, across] of plan.columns.entries()) {
      const area = { x: across.start, y: down.start, width: across.size, height: down.size };
      const number = tile++;
      const tensor = toTensor(image, area, 'reflect', unit).map((value) => change(value, number));
      mosaic.place(row, column, toChannels(tensor, image.channels));
    }
  }
  return mosaic;
}

describe('createMosaic', () => {
  test.each([
    { tile: 32, overlap: 4, fade: 0 },
    { tile: 48, overlap: 4, fade: 8 },
    { tile: 64, overlap: 0, fade: 2 },
    { tile: 500, overlap: 0, fade: 0 },
  ])('tiles that were not changed make the same picture again: %o', (tiling) => {
    for (const image of [photoLike(130, 97), photoLike(131, 67, { channels: 1 }), draw(1, 200, 3, (_, y) => y)]) {
      expect(rebuilt(image, tiling).image).toEqual(image);
    }
  });

  test('16 bit stays exact to one step of 65,535, faded or not', () => {
    const image = with16Bit(photoLike(100, 80));
    expect(rebuilt(image, { tile: 32, overlap: 4, fade: 0 }).image).toEqual(image);
    expect(rebuilt(image, { tile: 48, overlap: 4, fade: 8 }).image).toEqual(image);
  });

  test("tiles that disagree meet in a ramp where they fade, with no step larger than the ramp's", () => {
    const gray = draw(96, 96, 1, () => 128);
    const fade = 16;
    // Four brightnesses, 40 levels apart, so that the corners mix all four.
    const { image } = rebuilt(
      gray,
      { tile: 64, overlap: 4, fade },
      (value, tile) => value + (tile % 4) * (40 / 255) - 0.2,
    );
    // A raised cosine over 16 px is steepest in the middle: pi / 2 / 16 of the difference a pixel; rows differ by 80 levels.
    const steepest = Math.ceil((80 * Math.PI) / 2 / fade) + 1;
    expect(largestStep(image)).toBeLessThanOrEqual(steepest);
    expect(
      largestStep(
        rebuilt(gray, { tile: 64, overlap: 4, fade: 0 }, (value, tile) => value + (tile % 4) * (40 / 255) - 0.2).image,
      ),
    ).toBeGreaterThanOrEqual(79);
  });

  test('values beyond the range are clamped and the nearest step is taken', () => {
    const image = draw(4, 1, 1, () => 0);
    const mosaic = createMosaic(image, planTiles(4, 1, size, { tile: 8, overlap: 0, fade: 0 }), unit);
    mosaic.place(0, 0, Float32Array.of(-0.3, 1.7, 100.49 / 255, 100.51 / 255));
    expect([...mosaic.image.pixels]).toEqual([0, 255, 100, 101]);
    expect(mosaic.nonFinite).toBe(0);
  });

  test('samples that are no numbers are counted', () => {
    const image = draw(3, 1, 1, () => 0);
    const mosaic = createMosaic(image, planTiles(3, 1, size, { tile: 8, overlap: 0, fade: 0 }), unit);
    mosaic.place(0, 0, Float32Array.of(Number.NaN, Number.POSITIVE_INFINITY, 0.5));
    expect(mosaic.nonFinite).toBe(2);
  });

  test('a range of -1 to 1 becomes black to white', () => {
    const image = draw(3, 1, 1, () => 0);
    const mosaic = createMosaic(image, planTiles(3, 1, size, { tile: 8, overlap: 0, fade: 0 }), [-1, 1]);
    mosaic.place(0, 0, Float32Array.of(-1, 0, 1));
    expect([...mosaic.image.pixels]).toEqual([0, 128, 255]);
  });
});

/** The largest difference between neighbours, across or down. */
function largestStep({ width, height, pixels }: Image): number {
  let largest = 0;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const here = pixels[y * width + x] ?? 0;
      if (x > 0) largest = Math.max(largest, Math.abs(here - (pixels[y * width + x - 1] ?? 0)));
      if (y > 0) largest = Math.max(largest, Math.abs(here - (pixels[(y - 1) * width + x] ?? 0)));
    }
  }
  return largest;
}
