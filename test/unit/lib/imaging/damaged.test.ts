import sharp, { type JpegOptions } from 'sharp';
import { describe, expect, it } from 'vitest';
import { decode } from '../../../../functions/lib/imaging/codec.ts';
import { cut, drawRaw, fromRaw, photoJpeg } from '../../../support/pictures.ts';

const limits = { maxPixels: 10_000_000 };
const codesOf = ({ warnings }: { warnings: { code: string }[] }) => warnings.map(({ code }) => code);
const endless = (jpeg: Buffer) => jpeg.subarray(0, jpeg.length - 2);
const end = Buffer.from([0xff, 0xd9]);

const kinds: [string, JpegOptions][] = [
  ['baseline', {}],
  ['baseline without subsampling', { chromaSubsampling: '4:4:4' }],
  ['progressive', { progressive: true }],
];

describe('a JPEG without its end marker', () => {
  it.each(kinds)('is read whole with a warning (%s)', async (_, options) => {
    const jpeg = await photoJpeg(320, 240, options);
    const decoded = await decode(endless(jpeg), limits);

    expect(codesOf(decoded)).toEqual(['jpeg-end-missing']);
    expect(Buffer.compare(Buffer.from(decoded.colour.pixels), await sharp(jpeg).raw().toBuffer())).toBe(0);
  });

  it.each(kinds)('is read where half of the marker is there (%s)', async (_, options) => {
    const jpeg = await photoJpeg(320, 240, options);

    expect(codesOf(await decode(jpeg.subarray(0, jpeg.length - 1), limits))).toEqual(['jpeg-end-missing']);
  });

  it('is read where it is gray', async () => {
    const gray = await fromRaw(drawRaw(99, 77, 1))
      .toColourspace('b-w')
      .jpeg()
      .toBuffer();

    expect(codesOf(await decode(endless(gray), limits))).toEqual(['jpeg-end-missing']);
  });
});

describe('a truncated JPEG', () => {
  it.each(kinds)('is corrupt at half of its bytes (%s)', async (_, options) => {
    const half = cut(await photoJpeg(320, 240, options), 0.5);

    await expect(decode(half, limits)).rejects.toMatchObject({ code: 'corrupt-image' });
    await expect(decode(Buffer.concat([half, end]), limits)).rejects.toMatchObject({ code: 'corrupt-image' });
  });

  it('is restored with a warning at 99.5 % of its bytes, and all rows but the last are right', async () => {
    const jpeg = await photoJpeg(400, 3200);
    const decoded = await decode(cut(jpeg, 0.995), limits);
    const whole = await sharp(jpeg).raw().toBuffer();
    // The row above the first missing one already blends its colours with it.
    const readable = 3167 * 400 * 3;

    expect(decoded.warnings).toEqual([
      { code: 'jpeg-rows-missing', message: expect.stringMatching(/^About 1\d of 3200 rows are missing/) },
    ]);
    expect(decoded.colour).toMatchObject({ width: 400, height: 3200 });
    expect(Buffer.compare(Buffer.from(decoded.colour.pixels.subarray(0, readable)), whole.subarray(0, readable))).toBe(
      0,
    );
  });

  it('is corrupt where 1 % of the rows or more are missing', async () => {
    await expect(decode(cut(await photoJpeg(400, 3200), 0.985), limits)).rejects.toMatchObject({
      code: 'corrupt-image',
      message: expect.stringMatching(/about \d+ of 3200 rows are missing/),
    });
  });

  it('is found out where the missing part would be as gray as the picture', async () => {
    const gray = { ...drawRaw(320, 240), data: Buffer.alloc(320 * 240 * 3, 128) };
    const jpeg = await fromRaw(gray).jpeg().toBuffer();

    await expect(decode(cut(jpeg, 0.9), limits)).rejects.toMatchObject({ code: 'corrupt-image' });
  });

  it('is corrupt where it is progressive and lacks the last bytes of its last scan', async () => {
    const jpeg = await photoJpeg(320, 240, { progressive: true });

    await expect(decode(cut(jpeg, 0.995), limits)).rejects.toMatchObject({ code: 'corrupt-image' });
  });

  it('is corrupt where it is progressive and ends between two scans', async () => {
    const jpeg = await photoJpeg(320, 240, { progressive: true });
    const lastScan = jpeg.lastIndexOf(Buffer.from([0xff, 0xda]));
    const lastTable = jpeg.lastIndexOf(Buffer.from([0xff, 0xc4]));

    await expect(decode(jpeg.subarray(0, Math.min(lastScan, lastTable)), limits)).rejects.toMatchObject({
      code: 'corrupt-image',
    });
  });

  it('is corrupt where it ends inside its header', async () => {
    const jpeg = await photoJpeg(320, 240);

    for (const length of [3, 10, 30, 200]) {
      await expect(decode(jpeg.subarray(0, length), limits), `${length} bytes`).rejects.toMatchObject({
        code: 'corrupt-image',
      });
    }
  });
});

describe('a JPEG with a harmless irregularity', () => {
  it('is read with a warning that quotes the decoder', async () => {
    const jpeg = await photoJpeg(320, 240);
    const frame = jpeg.indexOf(Buffer.from([0xff, 0xc0]));
    const stray = Buffer.concat([jpeg.subarray(0, frame), Buffer.from([0x12, 0x34, 0x56]), jpeg.subarray(frame)]);
    const decoded = await decode(stray, limits);

    expect(decoded.warnings).toEqual([
      {
        code: 'jpeg-irregular',
        message: expect.stringMatching(/^All rows are there, but the decoder said: VipsJpeg: /),
      },
    ]);
    expect(Buffer.compare(Buffer.from(decoded.colour.pixels), await sharp(jpeg).raw().toBuffer())).toBe(0);
  });
});

describe('a truncated file of another format', () => {
  it.each(['png', 'webp', 'avif', 'tiff', 'gif'] as const)('is corrupt (%s)', async (format) => {
    const bytes = await fromRaw(drawRaw(320, 240)).toFormat(format).toBuffer();

    for (const share of [0.02, 0.5, 0.99]) {
      await expect(decode(cut(bytes, share), limits), `${share}`).rejects.toMatchObject({ code: 'corrupt-image' });
    }
  });

  it('is corrupt where bytes of a PNG were changed', async () => {
    const png = await fromRaw(drawRaw(320, 240)).png().toBuffer();
    png.fill(0x55, png.length >> 1, (png.length >> 1) + 20);

    await expect(decode(png, limits)).rejects.toMatchObject({ code: 'corrupt-image' });
  });
});
