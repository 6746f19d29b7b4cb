import { describe, expect, it } from 'vitest';
import type { Image } from '../../../../functions/lib/imaging/image.ts';
import { holdBack } from '../../../../functions/lib/quality/hold-back.ts';
import { draw } from '../../../support/generated-pictures.ts';

const gray = draw(96, 64, 3, () => 100);

/** The picture with a checkerboard of that amplitude added: its root mean square is the amplitude. */
function changed(amplitude: (x: number) => number, from = gray): Image {
  return draw(from.width, from.height, from.channels, (x, y) => 100 + ((x + y) % 2 ? 1 : -1) * amplitude(x));
}

function largestDifference(image: Image, from: number, to: number): number {
  const { width, channels, pixels } = image;
  const inside = [...pixels].filter((_, at) => {
    const x = Math.floor(at / channels) % width;
    return x >= from && x < to;
  });
  return Math.max(...inside.map((value) => Math.abs(value - 100)));
}

describe('holdBack', () => {
  it('leaves a change as it is that keeps the limit', () => {
    const restored = changed(() => 8);
    const wanted = restored.pixels.slice();
    expect(holdBack(gray, restored, 8)).toBe(1);
    expect(restored.pixels).toEqual(wanted);
  });

  it('scales a larger one down to the limit', () => {
    const restored = changed(() => 20);
    expect(holdBack(gray, restored, 5)).toBeCloseTo(0.25);
    expect(restored).toEqual(changed(() => 5));
  });

  it('holds back only where the change is large, and goes over evenly', () => {
    const restored = changed((x) => (x < 32 ? 20 : 4));
    const kept = holdBack(gray, restored, 5);
    expect(kept).toBeGreaterThan(0.25);
    expect(kept).toBeLessThan(1);
    expect(largestDifference(restored, 0, 16)).toBe(5);
    expect(largestDifference(restored, 48, 96)).toBe(4);
    // Halfway between the centres at 16 and 48 px the scale is halfway between 1/4 and 1.
    expect(largestDifference(restored, 30, 32)).toBe(12);
  });

  it('takes the same share of 16 bits, and of one channel', () => {
    const deep = (image: Image): Image => ({
      ...image,
      pixels: Uint16Array.from(image.pixels, (value) => 257 * value),
    });
    const restored = deep(changed(() => 20));
    expect(holdBack(deep(gray), restored, 5)).toBeCloseTo(0.25);
    expect(restored).toEqual(deep(changed(() => 5)));

    const plain = draw(40, 33, 1, () => 100);
    const one = changed(() => 20, plain);
    expect(holdBack(plain, one, 5)).toBeCloseTo(0.25);
    expect(one).toEqual(changed(() => 5, plain));
  });

  it('is at home in a picture of one pixel, and in one that did not change', () => {
    const dot = draw(1, 1, 3, () => 100);
    const brighter = draw(1, 1, 3, () => 110);
    expect(holdBack(dot, brighter, 4)).toBeCloseTo(0.4);
    expect(brighter).toEqual(draw(1, 1, 3, () => 104));
    expect(
      holdBack(
        dot,
        draw(1, 1, 3, () => 100),
        0.1,
      ),
    ).toBe(1);
  });
});
