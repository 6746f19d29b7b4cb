import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { decode, encode } from '../../../../functions/lib/imaging/codec.ts';
import type { Image, Metadata } from '../../../../functions/lib/imaging/image.ts';
import { drawRaw, noise16 } from '../../../support/pictures.ts';

const limits = { maxPixels: 1_000_000 };
const metadata: Metadata = { orientation: 1 };
const codesOf = ({ warnings }: { warnings: { code: string }[] }) => warnings.map(({ code }) => code);

function picture(width: number, height: number, channels: 1 | 3): Image {
  return { width, height, channels, pixels: new Uint8Array(drawRaw(width, height, channels).data) };
}

function noise(width: number, height: number, channels: 1 | 3, seed = 1): Image {
  return { width, height, channels, pixels: noise16(width * height * channels, seed) };
}

function farthest(a: Image['pixels'], b: Image['pixels']): number {
  let most = 0;
  for (const [at, value] of a.entries()) most = Math.max(most, Math.abs(value - (b[at] ?? 0)));
  return most;
}

describe('encode', () => {
  it.each([
    ['png', 3],
    ['png', 1],
    ['tiff', 3],
    ['tiff', 1],
  ] as const)('gives every 8-bit sample back in %s of %i channels, alpha too', async (format, channels) => {
    const colour = picture(37, 23, channels);
    const alpha = picture(37, 23, 1);
    const { bytes, warnings } = await encode({ colour, alpha, metadata }, { format, policy: 'keep' });
    const again = await decode(bytes, limits);

    expect(warnings).toEqual([]);
    expect(again.facts).toMatchObject({ format, channels, bitDepth: 8, hasAlpha: true });
    expect(again.colour).toEqual(colour);
    expect(again.alpha).toEqual(alpha);
  });

  it.each([
    ['png', 3],
    ['png', 1],
    ['tiff', 3],
    ['tiff', 1],
  ] as const)('gives every 16-bit sample back in %s of %i channels, alpha too', async (format, channels) => {
    const colour = noise(37, 23, channels);
    const alpha = noise(37, 23, 1, 9);
    const again = await decode((await encode({ colour, alpha, metadata }, { format, policy: 'keep' })).bytes, limits);

    expect(again.facts).toMatchObject({ format, channels, bitDepth: 16, hasAlpha: true });
    expect(again.colour).toEqual(colour);
    expect(again.alpha).toEqual(alpha);
  });

  it.each(['webp', 'avif'] as const)('keeps alpha to the last bit in %s, and colour close', async (format) => {
    const colour: Image = { width: 64, height: 48, channels: 3, pixels: new Uint8Array(64 * 48 * 3).fill(120) };
    const alpha: Image = { ...noise(64, 48, 1), pixels: Uint8Array.from(noise16(64 * 48), (sample) => sample >> 8) };
    const { bytes, warnings } = await encode({ colour, alpha, metadata }, { format, policy: 'keep' });
    const again = await decode(bytes, limits);

    expect(warnings).toEqual([]);
    expect(again.alpha).toEqual(alpha);
    expect(farthest(again.colour.pixels, colour.pixels)).toBeLessThanOrEqual(2);
  });

  it('keeps gray gray in JPEG, and without a visible tint in WebP and AVIF', async () => {
    const colour = picture(40, 30, 1);
    const jpeg = await decode((await encode({ colour, metadata }, { format: 'jpeg', policy: 'keep' })).bytes, limits);

    expect(jpeg.facts.channels).toBe(1);
    for (const format of ['webp', 'avif'] as const) {
      const { bytes } = await encode({ colour, metadata }, { format, policy: 'keep' });
      const { pixels } = (await decode(bytes, limits)).colour;
      const reds = pixels.map((_, at) => pixels[at - (at % 3)] ?? 0);

      // WebP stores video levels, whose rounding leaves a step between channels.
      expect(farthest(pixels, reds), format).toBeLessThanOrEqual(format === 'webp' ? 1 : 0);
    }
  });

  it('writes JPEG without chroma subsampling', async () => {
    const { bytes } = await encode({ colour: picture(40, 30, 3), metadata }, { format: 'jpeg', policy: 'keep' });

    expect(await sharp(bytes).metadata()).toMatchObject({ chromaSubsampling: '4:4:4', isProgressive: false });
  });

  it.each(['jpeg', 'webp', 'avif'] as const)('says that %s reduces 16 bit to 8, and rounds', async (format) => {
    const colour: Image = { width: 32, height: 32, channels: 1, pixels: new Uint16Array(1024).fill(257 * 100 + 200) };
    const result = await encode({ colour, metadata }, { format, policy: 'keep' });

    expect(codesOf(result)).toEqual(['depth-reduced']);
    expect(
      farthest((await decode(result.bytes, limits)).colour.pixels, new Uint8Array(3072).fill(101)),
    ).toBeLessThanOrEqual(1);
  });

  it('puts a transparent picture on white for JPEG, and says so', async () => {
    const colour: Image = { width: 32, height: 16, channels: 3, pixels: new Uint8Array(1536).fill(20) };
    const alpha: Image = { width: 32, height: 16, channels: 1, pixels: new Uint8Array(512).fill(255, 256) };
    const result = await encode({ colour, alpha, metadata }, { format: 'jpeg', policy: 'keep' });
    const { pixels } = (await decode(result.bytes, limits)).colour;

    expect(codesOf(result)).toEqual(['alpha-flattened']);
    expect(pixels[0]).toBeGreaterThan(250);
    expect(pixels.at(-1)).toBeLessThan(25);
  });

  it.each(['jpeg', 'png', 'webp', 'avif', 'tiff'] as const)('gives the same bytes every time (%s)', async (format) => {
    const image = { colour: picture(300, 200, 3), alpha: picture(300, 200, 1), metadata };
    const options = { format, policy: 'keep', processedBy: 'iqpir-restore 1.2.3' } as const;
    const [first, second] = [await encode(image, options), await encode(image, options)];

    expect(first.bytes.equals(second.bytes)).toBe(true);
  });

  it.each([
    [1, 5000],
    [5000, 1],
  ])('writes a picture of %i x %i in every format', async (width, height) => {
    for (const format of ['jpeg', 'png', 'webp', 'avif', 'tiff'] as const) {
      const { bytes } = await encode({ colour: picture(width, height, 3), metadata }, { format, policy: 'keep' });

      expect((await decode(bytes, limits)).facts, format).toMatchObject({ width, height });
    }
  });

  it('refuses a picture that is too long for the format, before it works on it', async () => {
    const colour = picture(16_384, 1, 3);

    await expect(encode({ colour, metadata }, { format: 'webp', policy: 'keep' })).rejects.toMatchObject({
      code: 'invalid-request',
      message: 'Expected at most 16383 pixels a side for webp, came 16384 x 1. Ask for png or tiff.',
    });
  });
});
