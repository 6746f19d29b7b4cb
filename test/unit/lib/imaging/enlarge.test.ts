import { describe, expect, it } from 'vitest';
import { decode } from '../../../../functions/lib/imaging/codec.ts';
import { checkDoubled, doubled, enlarge } from '../../../../functions/lib/imaging/enlarge.ts';
import { drawRaw, fromRaw } from '../../../support/pictures.ts';

const limits = { maxPixels: 1_000_000 };

async function png(channels: 1 | 2 | 3 | 4, deep: boolean) {
  const picture = fromRaw(drawRaw(40, 30, channels));
  if (!deep) return decode(await picture.png().toBuffer(), limits);
  const sixteen = picture.toColourspace(channels < 3 ? 'grey16' : 'rgb16');
  return decode(await sixteen.png({ compressionLevel: 1 }).toBuffer(), limits);
}

describe('enlarge', () => {
  it.each([
    ['RGB', 3, false],
    ['RGB with alpha of 16 bit', 4, true],
    ['gray', 1, false],
    ['gray of 16 bit', 1, true],
  ] as const)('doubles %s, depth, channels and level kept, and says so', async (_, channels, deep) => {
    const decoded = await png(channels, deep);
    const { colour, alpha, warnings, facts } = enlarge(decoded);

    expect([colour.width, colour.height, colour.channels]).toEqual([80, 60, decoded.colour.channels]);
    expect(colour.pixels.constructor).toBe(decoded.colour.pixels.constructor);
    expect(colour.pixels.length).toBe(4 * decoded.colour.pixels.length);
    expect(mean(colour.pixels) / mean(decoded.colour.pixels)).toBeCloseTo(1, 2);
    expect(alpha?.width).toBe(channels === 4 ? 80 : undefined);
    expect(warnings.map(({ code }) => code)).toEqual(['enlarged']);
    expect(facts.width).toBe(40);
  });

  it('leaves everything where it was: a slope goes on between its samples', () => {
    const [width, height] = [24, 16];
    const slope = (across: number, down: number) =>
      Uint16Array.from(
        { length: width * height },
        (_, at) => 1000 * (across * (at % width) + down * Math.floor(at / width)),
      );
    for (const [across, down] of [
      [1, 0],
      [0, 2],
    ] as const) {
      const { pixels } = doubled({ width, height, channels: 1, pixels: slope(across, down) });
      // Far from the border, where the kernel sees nothing but slope; it ripples by 2 % of a step (1000, 2000) there.
      for (const [x, y] of [
        [8, 8],
        [9, 9],
        [30, 20],
      ] as const) {
        const exact = 1000 * (across * ((x + 0.5) / 2 - 0.5) + down * ((y + 0.5) / 2 - 0.5));
        expect(Math.abs((pixels[y * 2 * width + x] ?? 0) - exact)).toBeLessThan(50);
      }
    }
  });

  it('keeps a flat picture flat up to its border, and one of a single pixel', () => {
    const flat = doubled({ width: 5, height: 3, channels: 3, pixels: new Uint8Array(45).fill(200) });
    expect(new Set(flat.pixels)).toEqual(new Set([200]));
    expect([...doubled({ width: 1, height: 1, channels: 1, pixels: Uint8Array.of(7) }).pixels]).toEqual([7, 7, 7, 7]);
  });

  it('refuses a result of more pixels than allowed', () => {
    expect(() => checkDoubled({ width: 1000, height: 500 }, 2_000_000)).not.toThrow();
    expect(() => checkDoubled({ width: 1000, height: 501 }, 2_000_000)).toThrow(
      'Expected at most 2000000 pixels, but 1000 x 501 enlarged twofold is 2000 x 1002.',
    );
  });
});

function mean(samples: Uint8Array | Uint16Array): number {
  let sum = 0;
  for (const sample of samples) sum += sample;
  return sum / samples.length;
}
