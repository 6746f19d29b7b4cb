import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RestorationError } from '../../../../functions/lib/contracts/errors.ts';
import { configureCodec, decode, inspect } from '../../../../functions/lib/imaging/codec.ts';
import { cameraExif } from '../../../support/exif-blocks.ts';
import { bombPng, drawRaw, fromRaw, photoJpeg, withExif, writeBadPictures } from '../../../support/pictures.ts';

const limits = { maxPixels: 150_000_000 };

describe('configureCodec', () => {
  it('sets the threads and keeps nothing between pictures', () => {
    configureCodec({ threads: 2 });

    expect(sharp.concurrency()).toBe(2);
    expect(sharp.cache()).toMatchObject({ memory: { max: 0 }, files: { max: 0 }, items: { max: 0 } });
  });
});

describe('inspect', () => {
  it('tells the facts of the upright picture', async () => {
    const jpeg = withExif(await photoJpeg(32, 20), cameraExif(6));

    expect(await inspect(jpeg, limits)).toEqual({
      format: 'jpeg',
      width: 20,
      height: 32,
      channels: 3,
      bitDepth: 8,
      hasAlpha: false,
      hasProfile: false,
      orientation: 6,
      pages: 1,
    });
  });

  it('refuses a decompression bomb by its header, at once', async () => {
    const started = performance.now();

    await expect(inspect(bombPng(), limits)).rejects.toMatchObject({
      code: 'too-many-pixels',
      message: 'Expected at most 150000000 pixels, came 50000 x 50000. Make it smaller or raise --max-pixels.',
    });
    expect(performance.now() - started).toBeLessThan(10_000);
  });

  it('takes a picture of exactly the limit and none above', async () => {
    const png = await fromRaw(drawRaw(20, 10)).png().toBuffer();

    expect(await inspect(png, { maxPixels: 200 })).toMatchObject({ width: 20, height: 10 });
    await expect(inspect(png, { maxPixels: 199 })).rejects.toMatchObject({ code: 'too-many-pixels' });
    await expect(decode(png, { maxPixels: 199 })).rejects.toMatchObject({ code: 'too-many-pixels' });
  });

  it('goes by the content where the name lies', async () => {
    const pngCalledJpeg = await fromRaw(drawRaw(20, 10)).png().toBuffer();

    expect(await inspect(pngCalledJpeg, limits)).toMatchObject({ format: 'png' });
  });

  it('refuses samples of floating point', async () => {
    const tiff = await fromRaw(drawRaw(20, 10)).tiff({ predictor: 'float', compression: 'deflate' }).toBuffer();

    await expect(inspect(tiff, limits)).rejects.toMatchObject({ code: 'unsupported-format' });
  });

  it('refuses a JPEG of 12 bit with what to do about it', async () => {
    const jpeg = Buffer.from(await photoJpeg(16, 16));
    jpeg[jpeg.indexOf(Buffer.from([0xff, 0xc0])) + 4] = 12;

    await expect(inspect(jpeg, limits)).rejects.toMatchObject({
      code: 'unsupported-format',
      message: 'Expected 8-bit JPEG, came 12-bit JPEG. Convert it to TIFF or PNG first.',
    });
  });
});

describe('bad input', () => {
  let folder: string;
  let codes: Record<string, string>;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'bad-pictures-'));
    codes = await writeBadPictures(folder);
  });
  afterAll(() => rm(folder, { recursive: true }));

  it('ends in the right code with a message that helps, whatever it is', async () => {
    for (const [name, code] of Object.entries(codes)) {
      const error = await decode(await readFile(join(folder, name)), limits).catch((thrown: unknown) => thrown);

      expect(error, name).toBeInstanceOf(RestorationError);
      expect(error, name).toMatchObject({ code, fault: 'input' });
      expect((error as RestorationError).message, name).toMatch(/^Expected .* came .*\./s);
    }
  });
});
