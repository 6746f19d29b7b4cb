import { describe, expect, it } from 'vitest';
import { blur } from '../../../../functions/lib/faces/bands.ts';
import { consistencyOf } from '../../../../functions/lib/faces/consistency.ts';
import type { Image } from '../../../../functions/lib/imaging/image.ts';

const side = 512;

/** A drawn face: brows, eyes, nose and mouth as dark spots, moved and stretched from person to person. */
function drawFace(moved: number, stretch: number): Image {
  const spots = [
    { x: 193 - moved, y: 240, wide: 26 * stretch, tall: 12 },
    { x: 319 + moved, y: 240, wide: 26 * stretch, tall: 12 },
    { x: 190 - moved, y: 210 - moved, wide: 36, tall: 7 * stretch },
    { x: 322 + moved, y: 210 - moved, wide: 36, tall: 7 * stretch },
    { x: 256, y: 314 + moved, wide: 16 * stretch, tall: 20 },
    { x: 257, y: 371 + moved, wide: 54 / stretch, tall: 10 * stretch },
  ];
  const values = new Float32Array(side * side);
  for (let place = 0; place < values.length; place++) {
    const x = place % side;
    const y = Math.floor(place / side);
    const dark = spots.map((spot) => Math.exp(-(((x - spot.x) / spot.wide) ** 4) - ((y - spot.y) / spot.tall) ** 4));
    values[place] = 190 - 110 * Math.max(...dark);
  }
  return gray(values);
}

function gray(values: Float32Array): Image {
  return {
    width: side,
    height: side,
    channels: 1,
    pixels: Uint8Array.from(values, (value) => Math.min(Math.max(value, 0), 255)),
  };
}

function damaged(image: Image, sigma: number, noise: number): Image {
  const { values } = blur({ width: side, height: side, values: Float32Array.from(image.pixels) }, sigma);
  let state = 7;
  return gray(
    values.map((value) => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      // Uniform, of standard deviation `noise`.
      return value + (state / 2 ** 32 - 0.5) * Math.sqrt(12) * noise;
    }),
  );
}

describe('consistency', () => {
  const person = drawFace(0, 1);
  const other = drawFace(16, 1.5);

  it('is 1 for a face that is left as it was', () => {
    expect(consistencyOf(person, person)).toBeCloseTo(1, 5);
  });

  it.each([
    [2, 5],
    [6, 15],
    [10, 20],
  ])('after a blur of %d px and noise of %d the true face explains what is left, another does not', (sigma, noise) => {
    const input = damaged(person, sigma, noise);
    const same = consistencyOf(input, person);
    expect(same).toBeGreaterThan(0.95);
    expect(consistencyOf(input, other)).toBeLessThan(same - 0.1);
  });

  it('does not mind lighter, darker and stronger colours', () => {
    const brighter = gray(Float32Array.from(person.pixels, (value) => 0.8 * value + 40));
    expect(consistencyOf(damaged(person, 2, 5), brighter)).toBeGreaterThan(0.95);
  });

  it('finds nothing of a face in a blank picture, and refuses another size', () => {
    const blank = gray(new Float32Array(side * side).fill(128));
    expect(consistencyOf(person, blank)).toBe(0);
    expect(() => consistencyOf({ ...person, width: 256 }, person)).toThrow('512 x 512');
  });
});
