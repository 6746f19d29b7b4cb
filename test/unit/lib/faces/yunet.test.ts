import { describe, expect, test } from 'vitest';
import { decodeYuNet } from '../../../../functions/lib/faces/yunet.ts';

/** An input of 64 x 32 px: 8 x 4, 4 x 2 and 2 x 1 cells. */
const cells = [32, 8, 2];
const nothing = () => [1, 1, 4, 10].flatMap((numbers) => cells.map((count) => new Float32Array(count * numbers)));

test('a picture without faces gives none', () => {
  expect(decodeYuNet(nothing(), 0.5, 64)).toEqual([]);
});

describe.each([
  [8, 0, { column: 6, row: 2 }],
  [16, 1, { column: 1, row: 1 }],
  [32, 2, { column: 1, row: 0 }],
])('of cells of %i px', (stride, scale, { column, row }) => {
  const outputs = nothing();
  const cell = row * (64 / stride) + column;
  outputs[scale]?.set([0.81], cell);
  outputs[3 + scale]?.set([0.64], cell);
  outputs[6 + scale]?.set([0.5, 0.25, Math.log(2), Math.log(3)], cell * 4);
  outputs[9 + scale]?.set([-0.5, 0, 0.5, 0, 0, 0.5, -0.5, 1, 0.5, 1], cell * 10);
  const faces = decodeYuNet(outputs, 0.5, 64);

  test('the score is the geometric mean of likeness and objectness', () => {
    expect(faces).toHaveLength(1);
    expect(faces[0]?.score).toBeCloseTo(Math.sqrt(0.81 * 0.64));
    expect(decodeYuNet(outputs, 0.73, 64)).toEqual([]);
  });

  test('centre and size of the box are in cells, the size as a logarithm', () => {
    const { x, y, width, height } = faces[0]?.box ?? { x: 0, y: 0, width: 0, height: 0 };
    expect([width, height].map(Math.round)).toEqual([2 * stride, 3 * stride]);
    expect(x + width / 2).toBeCloseTo((column + 0.5) * stride);
    expect(y + height / 2).toBeCloseTo((row + 0.25) * stride);
  });

  test('five points are counted from the cell’s corner', () => {
    const at = (x: number, y: number) => ({ x: (column + x) * stride, y: (row + y) * stride });
    expect(faces[0]?.landmarks).toEqual({
      'left-eye': at(-0.5, 0),
      'right-eye': at(0.5, 0),
      nose: at(0, 0.5),
      'mouth-left': at(-0.5, 1),
      'mouth-right': at(0.5, 1),
    });
  });
});

test('scores that an export did not bound are bounded', () => {
  const outputs = nothing();
  outputs[2]?.set([1.7], 1);
  outputs[5]?.set([1.2], 1);
  expect(decodeYuNet(outputs, 0.5, 64)).toMatchObject([{ score: 1 }]);
});
