import { expect, test } from 'vitest';
import { decodeBlazeFace } from '../../../../functions/lib/faces/blazeface.ts';

/** Nothing anywhere: what the sigmoid makes of -100 is next to 0. */
const nothing = () => [
  new Float32Array(512).fill(-100),
  new Float32Array(384).fill(-100),
  new Float32Array(512 * 16),
  new Float32Array(384 * 16),
];

test('a picture without faces gives none', () => {
  expect(decodeBlazeFace(nothing(), 0.5)).toEqual([]);
});

test('of the fine grid, a face lies where its cell and offsets say, in pixels of 256', () => {
  const outputs = nothing();
  // Second anchor of the cell in row 3, column 5: its middle is ((5 + .5) * 16, (3 + .5) * 16) = (88, 56).
  const anchor = 2 * (3 * 16 + 5) + 1;
  outputs[0]?.set([Math.log(0.9 / 0.1)], anchor);
  const points = [-10, -5, 10, -5, 0, 4, 0, 12, -20, 0, 20, 0];
  outputs[2]?.set([2, -1, 40, 50, ...points], anchor * 16);
  const [face, ...others] = decodeBlazeFace(outputs, 0.5);
  expect(others).toEqual([]);
  expect(face?.score).toBeCloseTo(0.9);
  expect(face?.box).toEqual({ x: 90 - 20, y: 55 - 25, width: 40, height: 50 });
  expect(face?.landmarks).toEqual({
    'left-eye': { x: 78, y: 51 },
    'right-eye': { x: 98, y: 51 },
    nose: { x: 88, y: 60 },
    mouth: { x: 88, y: 68 },
  });
});

test('the coarse grid has cells of 32 px with six anchors', () => {
  const outputs = nothing();
  const anchor = 6 * (7 * 8 + 0) + 4;
  outputs[1]?.set([3], anchor);
  outputs[3]?.set([0, 0, 100, 100], anchor * 16);
  expect(decodeBlazeFace(outputs, 0.5)).toMatchObject([
    { score: 1 / (1 + Math.exp(-3)), box: { x: 16 - 50, y: 240 - 50, width: 100, height: 100 } },
  ]);
});

test('what scores less than the threshold, or no number, is no face', () => {
  const outputs = nothing();
  outputs[0]?.set([0, Number.NaN, 1]);
  expect(decodeBlazeFace(outputs, 0.6)).toHaveLength(1);
});
