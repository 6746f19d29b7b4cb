import { describe, expect, test } from 'vitest';
import { toChannels, toTensor } from '../../../../functions/lib/imaging/tensor.ts';

const unit: [number, number] = [0, 1];
const row = (...values: number[]) => ({
  width: values.length,
  height: 1,
  channels: 1 as const,
  pixels: Uint8Array.from(values),
});

/** The first plane, in levels of 255 again. */
function levels(tensor: Float32Array): number[] {
  return [...tensor.subarray(0, tensor.length / 3)].map((value) => Math.round(value * 255));
}

describe('toTensor', () => {
  test('interleaved RGB becomes three planes', () => {
    const image = { width: 2, height: 1, channels: 3 as const, pixels: Uint8Array.from([1, 2, 3, 4, 5, 6]) };
    const tensor = toTensor(image, { x: 0, y: 0, width: 2, height: 1 }, 'reflect', [0, 255]);
    expect([...tensor].map(Math.round)).toEqual([1, 4, 2, 5, 3, 6]);
  });

  test('gray is shown three times', () => {
    const tensor = toTensor(row(10, 20), { x: 0, y: 0, width: 2, height: 1 }, 'reflect', [0, 255]);
    expect([...tensor].map(Math.round)).toEqual([10, 20, 10, 20, 10, 20]);
  });

  test('beyond the border the picture is mirrored without repeating its last pixel', () => {
    expect(levels(toTensor(row(1, 2, 3, 4), { x: 2, y: 0, width: 5, height: 1 }, 'reflect', unit))).toEqual([
      3, 4, 3, 2, 1,
    ]);
  });

  test('a picture shorter than what is missing is mirrored again and again', () => {
    expect(levels(toTensor(row(1, 2, 3), { x: 0, y: 0, width: 8, height: 1 }, 'reflect', unit))).toEqual([
      1, 2, 3, 2, 1, 2, 3, 2,
    ]);
  });

  test('a single row is repeated for want of anything else', () => {
    expect(levels(toTensor(row(1, 2), { x: 0, y: 0, width: 2, height: 3 }, 'reflect', unit))).toEqual([
      1, 2, 1, 2, 1, 2,
    ]);
  });

  test('replicating repeats the last pixel', () => {
    expect(levels(toTensor(row(1, 2, 3), { x: 1, y: 0, width: 4, height: 1 }, 'replicate', unit))).toEqual([
      2, 3, 3, 3,
    ]);
  });

  test("the range is the model card's: -1 to 1 puts middle gray at 0", () => {
    const image = { width: 3, height: 1, channels: 1 as const, pixels: Uint16Array.from([0, 32_768, 65_535]) };
    const tensor = toTensor(image, { x: 0, y: 0, width: 3, height: 1 }, 'reflect', [-1, 1]);
    expect(tensor[0]).toBe(-1);
    expect(tensor[1]).toBeCloseTo(0, 4);
    expect(tensor[2]).toBeCloseTo(1, 6);
  });
});

describe('toChannels', () => {
  test('colour stays as it is', () => {
    const tensor = Float32Array.of(1, 2, 3);
    expect(toChannels(tensor, 3)).toBe(tensor);
  });

  test('gray is the mean of the three planes', () => {
    expect([...toChannels(Float32Array.of(1, 2, 3, 4, 8, 9), 1)]).toEqual([4, 5]);
  });
});
