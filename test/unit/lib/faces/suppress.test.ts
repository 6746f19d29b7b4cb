import { expect, test } from 'vitest';
import type { DetectedFace } from '../../../../functions/lib/faces/face.ts';
import { overlapOf, suppress } from '../../../../functions/lib/faces/suppress.ts';

function face(score: number, x: number, y: number, width: number, height = width): DetectedFace {
  return { score, box: { x, y, width, height }, landmarks: { nose: { x: x + width / 2, y: y + height / 2 } } };
}

test('overlap is the shared part of what both cover', () => {
  const box = { x: 0, y: 0, width: 10, height: 10 };
  expect(overlapOf(box, box)).toBe(1);
  expect(overlapOf(box, { ...box, x: 5 })).toBeCloseTo(1 / 3);
  expect(overlapOf(box, { ...box, x: 10 })).toBe(0);
});

test('faces side by side all stay, best first', () => {
  const faces = [face(0.7, 0, 0, 50), face(0.9, 45, 0, 50), face(0.8, 0, 48, 50)];
  expect(suppress(faces).map(({ score }) => score)).toEqual([0.9, 0.8, 0.7]);
});

test('sights of one face become one: the best score, their mean place weighted by score', () => {
  const [one, ...others] = suppress([face(0.9, 0, 0, 100), face(0.45, 12, 0, 100)]);
  expect(others).toEqual([]);
  expect(one?.score).toBe(0.9);
  expect(one?.box.x).toBeCloseTo(4);
  expect(one?.landmarks.nose?.x).toBeCloseTo(54);
});

test('a sight that is far off takes no part in the mean and is no face of its own', () => {
  expect(suppress([face(0.9, 0, 0, 100), face(0.8, 40, 0, 100)])).toEqual([face(0.9, 0, 0, 100)]);
});

test('a mouth taken for a small face goes, a child before its mother stays', () => {
  const mother = face(0.95, 0, 0, 200);
  expect(suppress([mother, face(0.7, 70, 120, 60)])).toEqual([mother]);
  expect(suppress([mother, face(0.7, 150, 120, 100)])).toHaveLength(2);
});

test('no candidates, no faces', () => {
  expect(suppress([])).toEqual([]);
});
