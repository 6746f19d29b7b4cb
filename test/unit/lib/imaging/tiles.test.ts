import { describe, expect, test } from 'vitest';
import { planTiles, smallestTile, type Window } from '../../../../functions/lib/imaging/tiles.ts';

const size = { minimum: 32, multiple: 32 };
const tiling = { tile: 512, overlap: 64, fade: 0 };

/** Every length that a side can have up to a few tiles, and some large ones. */
const lengths = [...Array.from({ length: 1500 }, (_, index) => index + 1), 4000, 8400, 12_000];

describe('planTiles', () => {
  test('a picture no larger than a tile is one tile, padded to the multiple', () => {
    const plan = planTiles(500, 33, size, tiling);
    expect(plan.columns).toEqual([{ start: 0, size: 512, coreStart: 0, coreEnd: 500 }]);
    expect(plan.rows).toEqual([{ start: 0, size: 64, coreStart: 0, coreEnd: 33 }]);
  });

  test('a picture smaller than the minimum is padded to it', () => {
    expect(planTiles(1, 1, { minimum: 64, multiple: 32 }, tiling).columns[0]?.size).toBe(64);
  });

  test('every window starts and ends on the grid and is at most a tile', () => {
    for (const { start, size } of lengths.flatMap(columnsOf)) {
      expect(start % 32).toBe(0);
      expect(size % 32).toBe(0);
      expect(size).toBeLessThanOrEqual(512);
    }
  });

  test('the cores follow each other from the first pixel to the last', () => {
    for (const length of lengths) {
      const windows = columnsOf(length);
      expect(windows[0]?.coreStart).toBe(0);
      expect(windows.at(-1)?.coreEnd).toBe(length);
      for (const [index, window] of windows.entries()) {
        expect(window.coreEnd).toBeGreaterThan(window.coreStart);
        expect(windows[index + 1]?.coreStart ?? length).toBe(window.coreEnd);
      }
    }
  });

  test.each([
    { tile: 512, overlap: 64, fade: 0 },
    { tile: 192, overlap: 64, fade: 0 },
    { tile: 512, overlap: 40, fade: 48 },
    { tile: 256, overlap: 0, fade: 16 },
  ])('a core keeps the overlap and half the fade away from every cut side: %o', (cut) => {
    for (const length of lengths) {
      const windows = planTiles(length, 1, size, cut).columns;
      const padded = Math.ceil(length / 32) * 32;
      const margin = cut.overlap + cut.fade / 2;
      for (const { start, size, coreStart, coreEnd } of windows) {
        if (start > 0) expect(coreStart - start).toBeGreaterThanOrEqual(margin);
        if (start + size < padded) expect(start + size - coreEnd).toBeGreaterThanOrEqual(margin);
        // The stretches faded with the neighbour before and with the one after must not touch each other.
        if (windows.length > 1) expect(coreEnd - coreStart).toBeGreaterThanOrEqual(Math.min(cut.fade, length));
      }
      expect(windows.at(-1)).toMatchObject({ coreEnd: length });
      expect((windows.at(-1)?.start ?? 0) + (windows.at(-1)?.size ?? 0)).toBe(padded);
    }
  });

  test('tiles are of one size, and no more of them than the largest side needs', () => {
    const { columns } = planTiles(12_000, 1, size, tiling);
    expect(new Set(columns.map((window) => window.size)).size).toBe(1);
    // 12,000 = 31 x 384 + 96: a tile answers for 384 px between its overlaps, the two at the ends for 64 more.
    expect(columns).toHaveLength(31);
  });

  test('a picture a little larger than a tile is cut into two even ones, not into a large and a thin one', () => {
    const { columns } = planTiles(544, 1, size, tiling);
    expect(columns.map(({ start, size }) => [start, size])).toEqual([
      [0, 352],
      [192, 352],
    ]);
  });

  test('a tile that leaves no core between its overlaps is refused, and the smallest one that does is named', () => {
    expect(() => planTiles(1000, 1000, size, { ...tiling, tile: 160 })).toThrow(
      /Expected a tile of at least 192 px .* but received 160/,
    );
    expect(planTiles(1000, 1000, size, { ...tiling, tile: smallestTile(size, tiling) }).columns).toHaveLength(14);
  });
});

function columnsOf(length: number): Window[] {
  return planTiles(length, 1, size, tiling).columns;
}
