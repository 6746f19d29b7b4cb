import { describe, expect, test } from 'vitest';
import type { Image } from '../../../../functions/lib/imaging/image.ts';
import { measure } from '../../../../functions/lib/quality/assessment.ts';
import { sampleRegions } from '../../../../functions/lib/quality/regions.ts';
import { asJpeg, blurred, changed, draw, noisy, photoLike, with16Bit } from '../../../support/generated-pictures.ts';

const picture = photoLike(512, 384);
const gray = photoLike(512, 384, { channels: 1 });
const flat = draw(256, 256, 3, () => 120);

function value(metric: string, image: Image): number {
  return measure(image).find((one) => one.metric === metric)?.value ?? Number.NaN;
}

describe('sharpness', () => {
  test('falls with every blur, and is nothing where there is nothing', async () => {
    const values = [picture, ...(await Promise.all([1, 2, 4, 8].map((sigma) => blurred(picture, sigma))))].map(
      (image) => value('sharpness', image),
    );
    expect(values).toEqual([...values].sort((a, b) => b - a));
    expect(values[0]).toBeGreaterThan(3 * (values[4] ?? 1));
    expect(value('sharpness', flat)).toBe(0);
  });

  test('does not depend on the contrast', () => {
    const pale = changed(picture, (sample) => 128 + (sample - 128) / 2);
    // Fewer levels are left, and the steps between them count as edges.
    expect(Math.abs(value('sharpness', pale) - value('sharpness', picture))).toBeLessThan(0.1);
  });

  test('is 1 at most: single dots', () => {
    const dots = draw(256, 256, 1, (x, y) => (x % 12 === 0 && y % 12 === 0 ? 255 : 0));
    expect(value('sharpness', dots)).toBeGreaterThan(0.8);
    expect(value('sharpness', dots)).toBeLessThanOrEqual(1);
  });
});

describe('noise', () => {
  test.each([2, 5, 10, 25])('of sigma %i in a gray picture is found to a fifth', (sigma) => {
    const found = value('noise', noisy(gray, sigma));
    expect(found).toBeGreaterThan(0.8 * sigma);
    expect(found).toBeLessThan(1.2 * sigma + 0.5);
  });

  test('is not found in a picture that has none, whatever its edges', () => {
    expect(value('noise', picture)).toBeLessThan(1.5);
    expect(value('noise', flat)).toBe(0);
  });

  test('is not overlooked because half of the picture is clipped', () => {
    const half = noisy(
      draw(512, 256, 1, (x) => (x < 256 ? 100 : 600)),
      10,
    );
    expect(value('noise', half)).toBeGreaterThan(8);
  });
});

describe('blockiness', () => {
  test('rises as JPEG quality falls', async () => {
    const qualities = [95, 50, 30, 15, 5];
    const values = await Promise.all(
      qualities.map(async (quality) => value('blockiness', await asJpeg(picture, quality))),
    );
    expect(values).toEqual([...values].sort((a, b) => a - b));
    expect(values[0]).toBeLessThan(0.1);
    expect(values[4]).toBeGreaterThan(0.4);
  });

  test('is seen where the picture was cropped off the grid', async () => {
    const jpeg = await asJpeg(picture, 10);
    const cropped = draw(
      400,
      300,
      3,
      (x, y, channel) => jpeg.pixels[((y + 5) * jpeg.width + x + 3) * 3 + channel] ?? 0,
    );
    expect(value('blockiness', cropped)).toBeCloseTo(value('blockiness', jpeg), 1);
  });

  test('is not noise, not texture, not a flat place', () => {
    for (const image of [picture, noisy(picture, 20), flat]) expect(value('blockiness', image)).toBeLessThan(0.05);
  });
});

describe('clipping', () => {
  test('is the share of samples at either end', () => {
    const image = draw(100, 100, 1, (x, y) => (y < 10 ? 0 : y < 30 ? 255 : 1 + (x % 200)));
    expect(value('clipping', image)).toBe(0.3);
  });

  test('counts each channel by itself', () => {
    expect(
      value(
        'clipping',
        draw(64, 64, 3, (_, __, channel) => (channel === 0 ? 255 : 90)),
      ),
    ).toBeCloseTo(1 / 3, 6);
  });
});

describe('every classic measure', () => {
  test('is in its range and finite for all kinds of pictures', () => {
    const small = [
      draw(1, 1, 3, () => 5),
      draw(1, 300, 1, (_, y) => y),
      draw(300, 2, 3, (x) => x),
      draw(9, 9, 1, (x) => 20 * x),
    ];
    for (const image of [...small, picture, with16Bit(gray)]) {
      for (const { value, range, metric } of measure(image)) {
        expect(value, metric).toBeGreaterThanOrEqual(range[0]);
        expect(value, metric).toBeLessThanOrEqual(range[1]);
      }
    }
  });

  test('is the same in 16 bit as in 8', () => {
    const exact: Image = { ...picture, pixels: Uint16Array.from(picture.pixels, (sample) => sample * 257) };
    const wide = measure(exact);
    for (const [index, { value, metric }] of measure(picture).entries()) {
      expect(wide[index]?.value, metric).toBeCloseTo(value, 3);
    }
  });

  test('sees a large picture through 64 regions, the same ones every time, in bounded time', () => {
    const large: Image = { width: 10_000, height: 3_000, channels: 1, pixels: new Uint8Array(30_000_000) };
    for (let at = 0; at < large.pixels.length; at++) large.pixels[at] = (at * 7919) & 255;
    const regions = sampleRegions(large);
    expect(regions.length).toBeLessThanOrEqual(64);
    expect(regions.length).toBeGreaterThan(48);
    const started = performance.now();
    expect(measure(large)).toEqual(measure(large));
    // 64 regions of 256 px are 4 MP, twice; about 0.3 s here with both cores to itself, and never in proportion to the picture.
    expect(performance.now() - started).toBeLessThan(10_000);
  });
});
