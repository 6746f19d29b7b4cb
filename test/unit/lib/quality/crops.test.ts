import { describe, expect, test } from 'vitest';
import { planCrops } from '../../../../functions/lib/quality/crops.ts';

const size = { minimum: 64, multiple: 32 };
const crops = { size: 256, maximum: 12 };

describe('planCrops', () => {
  test('a picture that few crops cover is covered', () => {
    const areas = planCrops(600, 400, size, crops);
    expect(areas).toHaveLength(6);
    expect(areas.map(({ x, y }) => [x, y])).toEqual([
      [0, 0],
      [172, 0],
      [344, 0],
      [0, 144],
      [172, 144],
      [344, 144],
    ]);
  });

  test('a large picture is sampled evenly, as densely across as down, by no more crops than the card allows', () => {
    const areas = planCrops(6000, 4000, size, crops);
    expect(areas).toHaveLength(12);
    expect(new Set(areas.map(({ x }) => x))).toEqual(new Set([0, 1915, 3829, 5744]));
    expect(new Set(areas.map(({ y }) => y))).toEqual(new Set([0, 1872, 3744]));
    expect(planCrops(12_000, 300, size, crops)).toHaveLength(12);
    expect(planCrops(300, 12_000, size, crops)).toHaveLength(12);
  });

  test('a short side is taken whole, padded to the multiple and at least to the minimum', () => {
    expect(planCrops(100, 10, size, crops)).toEqual([{ x: 0, y: 0, width: 128, height: 64 }]);
    expect(planCrops(1, 1, size, crops)).toEqual([{ x: 0, y: 0, width: 64, height: 64 }]);
    expect(planCrops(250, 256, size, crops)).toEqual([{ x: 0, y: 0, width: 256, height: 256 }]);
  });

  test('a single crop of a large picture is its middle', () => {
    expect(planCrops(1000, 500, size, { size: 256, maximum: 1 })).toEqual([
      { x: 372, y: 122, width: 256, height: 256 },
    ]);
  });

  // models/iqa_inference.py has the same recipe; these boxes (top, left, height, width) are its own.
  test.each([
    [600, 900, 'first 0,0 last 344,644 count 12'],
    [1080, 1920, 'first 0,0 last 824,1664 count 10'],
    [333, 257, 'first 0,0 last 77,1 count 4'],
    [70, 3000, 'first 0,0 last 0,2744 count 12'],
  ])('is the recipe that the model was measured with: %i rows of %i', (height, width, expected) => {
    const areas = planCrops(width, height, size, crops);
    const [first, last] = [areas[0], areas.at(-1)];
    expect(`first ${first?.y},${first?.x} last ${last?.y},${last?.x} count ${areas.length}`).toBe(expected);
  });
});
