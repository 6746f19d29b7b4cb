import { describe, expect, test } from 'vitest';
import { octavesOf, viewOf } from '../../../../functions/lib/faces/pyramid.ts';
import { draw, photoLike } from '../../../support/generated-pictures.ts';

describe('octaves', () => {
  test('each is half as large as the one before, odd sides rounded up', () => {
    const octaves = octavesOf(photoLike(101, 64), 4);
    expect(octaves.map(({ width, height }) => [width, height])).toEqual([
      [101, 64],
      [51, 32],
      [26, 16],
      [13, 8],
    ]);
  });

  test('the first is the picture itself, not a copy', () => {
    const picture = photoLike(40, 40);
    expect(octavesOf(picture, 2)[0]).toBe(picture);
  });

  test('a pixel is the mean of four, at the border of those that there are', () => {
    const picture = draw(3, 2, 1, (x, y) => [10, 20, 90, 30, 40, 110][y * 3 + x] ?? 0);
    expect([...(octavesOf(picture, 2)[1]?.pixels ?? [])]).toEqual([25, 100]);
  });

  test('16 bit become 8', () => {
    const white = { width: 4, height: 4, channels: 3 as const, pixels: new Uint16Array(48).fill(65_535) };
    const [, half] = octavesOf(white, 2);
    expect(half?.pixels).toEqual(new Uint8Array(12).fill(255));
  });
});

describe('a view', () => {
  const picture = photoLike(60, 40);

  test('of whole pixels without enlargement is a copy', () => {
    const view = viewOf(picture, { x: 0, y: 0, width: 60, height: 40 }, 1);
    expect(view.pixels).toEqual(picture.pixels);
  });

  test('enlarged, shows the same place: a ramp stays the same ramp', () => {
    const ramp = draw(64, 64, 1, (x) => 2 * (x + 0.5));
    const view = viewOf(ramp, { x: 16, y: 8, width: 32, height: 32 }, 4 / 3);
    expect(view.width).toBe(43);
    for (const column of [0, 20, 42]) {
      expect(view.pixels[10 * 43 + column]).toBeCloseTo(2 * (16 + (column + 0.5) * 0.75), -0.3);
    }
  });

  test('is black where there is no picture', () => {
    const white = draw(10, 10, 3, () => 255);
    const view = viewOf(white, { x: -5, y: 5, width: 10, height: 10 }, 1);
    expect([...view.pixels.subarray(0, 30)]).toEqual([...Array(15).fill(0), ...Array(15).fill(255)]);
    expect([...view.pixels.subarray(150)]).toEqual(Array(150).fill(0));
  });

  test('of 16 bit has 8', () => {
    const deep = { ...picture, pixels: Uint16Array.from(picture.pixels, (value) => value * 257) };
    const area = { x: 3.25, y: 2.5, width: 30, height: 20 };
    expect(viewOf(deep, area, 1.3)).toEqual(viewOf(picture, area, 1.3));
  });
});
