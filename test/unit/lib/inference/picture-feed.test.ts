import { describe, expect, test } from 'vitest';
import { pictureFeed } from '../../../../functions/lib/inference/picture-feed.ts';

const input = {
  name: 'x',
  role: 'image' as const,
  type: 'float32' as const,
  shape: ['N', 3, 'H', 'W'],
  range: [0, 255] as [number, number],
};
/** Two pixels: (10, 20, 30) and (40, 50, 60). */
const picture = { width: 2, height: 1, channels: 3 as const, pixels: Uint8Array.of(10, 20, 30, 40, 50, 60) };

describe('a picture becomes what the card says', () => {
  test.each([
    ['planes of R, G, B', {}, [1, 3, 1, 2], [10, 40, 20, 50, 30, 60]],
    ['planes of B, G, R', { channels: 'bgr' as const }, [1, 3, 1, 2], [30, 60, 20, 50, 10, 40]],
    ['channels last', { shape: [1, 1, 2, 3] }, [1, 1, 2, 3], [10, 20, 30, 40, 50, 60]],
    ['B, G, R last', { shape: [1, 'H', 'W', 3], channels: 'bgr' as const }, [1, 1, 2, 3], [30, 20, 10, 60, 50, 40]],
  ])('%s', (_, changes, dims, data) => {
    expect(pictureFeed(picture, { ...input, ...changes })).toEqual({
      type: 'float32',
      dims,
      data: Float32Array.from(data),
    });
  });

  test('a range maps black and white', () => {
    const extremes = { ...picture, pixels: Uint8Array.of(0, 0, 0, 255, 255, 255) };
    expect([...pictureFeed(extremes, { ...input, range: [-1, 1] }).data]).toEqual([-1, 1, -1, 1, -1, 1]);
  });

  test('mean and scale are by channel, whatever the order and depth', () => {
    const bgr = { ...input, channels: 'bgr' as const, mean: [10, 20, 30] as Rgb, scale: [1, 0.5, 0.1] as Rgb };
    const deep = { ...picture, pixels: Uint16Array.from(picture.pixels, (value) => value * 257) };
    for (const one of [picture, deep]) {
      const data = [...pictureFeed(one, bgr).data].map((value) => Math.round(Number(value) * 1000) / 1000);
      expect(data).toEqual([0, 3, 0, 15, 0, 30]);
    }
  });

  test('gray is shown as three equal channels', () => {
    const gray = { width: 2, height: 1, channels: 1 as const, pixels: Uint8Array.of(7, 9) };
    expect([...pictureFeed(gray, input).data]).toEqual([7, 9, 7, 9, 7, 9]);
    expect([...pictureFeed(gray, { ...input, shape: [1, 1, 2, 3] }).data]).toEqual([7, 7, 7, 9, 9, 9]);
  });
});

type Rgb = [number, number, number];
