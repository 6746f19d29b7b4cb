import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { decode } from '../../../../functions/lib/imaging/codec.ts';
import { cameraExif } from '../../../support/exif-blocks.ts';
import {
  displayP3,
  drawRaw,
  fromRaw,
  noise16,
  photoJpeg,
  withChunk,
  withExif,
  withProfile,
} from '../../../support/pictures.ts';

const limits = { maxPixels: 1_000_000 };
const codesOf = ({ warnings }: { warnings: { code: string }[] }) => warnings.map(({ code }) => code);

describe('the pixels of a file', () => {
  it.each(['png', 'tiff'] as const)('come out of %s as they went in', async (format) => {
    const raw = drawRaw(40, 30);
    const decoded = await decode(
      await fromRaw(raw)
        [format]({ compression: 'deflate' } as object)
        .toBuffer(),
      limits,
    );

    expect(decoded.colour).toMatchObject({ width: 40, height: 30, channels: 3 });
    expect(Buffer.compare(Buffer.from(decoded.colour.pixels), raw.data)).toBe(0);
    expect(decoded).toMatchObject({ alpha: undefined, warnings: [] });
  });

  it.each(['jpeg', 'webp', 'avif', 'gif'] as const)('come out of %s as its own decoder gives them', async (format) => {
    const bytes = await fromRaw(drawRaw(40, 30)).toFormat(format).toBuffer();
    const decoded = await decode(bytes, limits);
    const expected = await sharp(bytes).removeAlpha().raw().toBuffer();

    expect(decoded.facts).toMatchObject({ format, width: 40, height: 30, channels: 3, bitDepth: 8 });
    expect(Buffer.compare(Buffer.from(decoded.colour.pixels), expected)).toBe(0);
  });

  it.each([
    ['png', 3],
    ['tiff', 3],
    ['png', 1],
    ['tiff', 1],
  ] as const)('keep 16 bit in %s of %i channels, alpha apart', async (format, channels) => {
    const colour = noise16(24 * 18 * channels);
    const alpha = noise16(24 * 18, 5);
    const space = channels === 1 ? 'grey16' : 'rgb16';
    const bytes = await sharp(colour, { raw: { width: 24, height: 18, channels } })
      .joinChannel(alpha as unknown as Buffer, { raw: { width: 24, height: 18, channels: 1 } })
      .toColourspace(space)
      [format]({ compression: 'deflate' } as object)
      .toBuffer();
    const decoded = await decode(bytes, limits);

    expect(decoded.facts).toMatchObject({ bitDepth: 16, hasAlpha: true, channels });
    expect(decoded.colour.pixels).toEqual(colour);
    expect(decoded.alpha?.pixels).toEqual(alpha);
  });

  it('keep colour under full transparency: nothing is premultiplied', async () => {
    const raw = drawRaw(20, 20, 4);
    for (let at = 3; at < raw.data.length; at += 4) raw.data[at] = at % 8 < 4 ? 0 : 200;
    const { colour, alpha } = await decode(await fromRaw(raw).png().toBuffer(), limits);

    expect([...colour.pixels]).toEqual([...raw.data].filter((_, at) => at % 4 < 3));
    expect([...(alpha?.pixels ?? [])]).toEqual([...raw.data].filter((_, at) => at % 4 === 3));
  });

  it('stay gray, with and without alpha', async () => {
    const gray = drawRaw(20, 10, 1);
    const both = drawRaw(20, 10, 2);
    const plain = await decode(await fromRaw(gray).toColourspace('b-w').png().toBuffer(), limits);
    const clear = await decode(await fromRaw(both).toColourspace('b-w').png().toBuffer(), limits);

    expect(plain.facts).toMatchObject({ channels: 1, hasAlpha: false });
    expect(Buffer.from(plain.colour.pixels)).toEqual(gray.data);
    expect(clear.facts).toMatchObject({ channels: 1, hasAlpha: true });
    expect([...clear.colour.pixels]).toEqual([...both.data].filter((_, at) => at % 2 === 0));
    expect([...(clear.alpha?.pixels ?? [])]).toEqual([...both.data].filter((_, at) => at % 2 === 1));
  });

  it('are read from a palette, transparent entries included', async () => {
    const raw = { ...drawRaw(16, 4, 4), data: Buffer.alloc(16 * 4 * 4) };
    for (let pixel = 0; pixel < 64; pixel++)
      raw.data.set([pixel % 4 === 0 ? 250 : 10, 60, 90, pixel % 4 === 1 ? 0 : 255], pixel * 4);
    const bytes = await fromRaw(raw).png({ palette: true }).toBuffer();
    const decoded = await decode(bytes, limits);

    expect((await sharp(bytes).metadata()).isPalette).toBe(true);
    expect(decoded.facts).toMatchObject({ channels: 3, bitDepth: 8, hasAlpha: true });
    expect([...(decoded.alpha?.pixels ?? [])]).toEqual([...raw.data].filter((_, at) => at % 4 === 3));
    expect([...decoded.colour.pixels.subarray(0, 3)]).toEqual([250, 60, 90]);
  });

  it('are read from one bit a pixel', async () => {
    const raw = {
      ...drawRaw(16, 4, 1),
      data: Buffer.from(Array.from({ length: 64 }, (_, at) => (at % 3 === 0 ? 255 : 0))),
    };
    const bytes = await fromRaw(raw)
      .toColourspace('b-w')
      .tiff({ bitdepth: 1, compression: 'deflate', predictor: 'none' })
      .toBuffer();
    const decoded = await decode(bytes, limits);

    expect(decoded.facts).toMatchObject({ channels: 1, bitDepth: 8 });
    expect([...decoded.colour.pixels]).toEqual([...raw.data]);
  });

  it.each([
    [1, 5000],
    [5000, 1],
    [1, 1],
  ])('are read where the picture is %i x %i', async (width, height) => {
    const raw = drawRaw(width, height);
    const decoded = await decode(await fromRaw(raw).png().toBuffer(), limits);

    expect(Buffer.compare(Buffer.from(decoded.colour.pixels), raw.data)).toBe(0);
  });

  it('give the same upright picture for orientations 1 to 8', async () => {
    const upright = drawRaw(48, 32);
    const expected = Buffer.from((await decode(await fromRaw(upright).png().toBuffer(), limits)).colour.pixels);
    /** How the upright picture is stored: turned clockwise by so many degrees, then mirrored or not. */
    const stored: Record<number, [degrees: number, mirrored: boolean]> = {
      1: [0, false],
      2: [0, true],
      3: [180, false],
      4: [180, true],
      5: [90, true],
      6: [270, false],
      7: [270, true],
      8: [90, false],
    };
    for (const [orientation, [degrees, mirrored]] of Object.entries(stored)) {
      // Two steps: sharp would reorder a turn and a mirroring within one.
      const { data, info } = await fromRaw(upright).rotate(degrees).raw().toBuffer({ resolveWithObject: true });
      const png = await sharp(data, { raw: info }).flop(mirrored).png().toBuffer();
      const decoded = await decode(withChunk(png, 'eXIf', cameraExif(Number(orientation), 'MM')), limits);

      expect(decoded.facts, orientation).toMatchObject({ width: 48, height: 32, orientation: Number(orientation) });
      expect(Buffer.compare(Buffer.from(decoded.colour.pixels), expected), orientation).toBe(0);
    }
  });
});

describe('colour', () => {
  it('of a Display P3 file is its stored values, untouched', async () => {
    const plain = await photoJpeg(64, 48);
    const profile = await displayP3();
    const decoded = await decode(withProfile(plain, profile), limits);

    expect(Buffer.compare(Buffer.from(decoded.colour.pixels), await sharp(plain).raw().toBuffer())).toBe(0);
    expect(decoded.metadata.icc?.equals(profile)).toBe(true);
    expect(decoded.warnings).toEqual([]);
  });

  it('of a 16-bit P3 file is its stored values, untouched', async () => {
    const colour = noise16(20 * 10 * 3);
    const png = await sharp(colour, { raw: { width: 20, height: 10, channels: 3 } })
      .toColourspace('rgb16')
      .png()
      .toBuffer();
    const tagged = await sharp(png).keepMetadata().toColourspace('rgb16').withIccProfile('p3').png().toBuffer();
    const decoded = await decode(tagged, limits);

    expect(decoded.facts).toMatchObject({ hasProfile: true, bitDepth: 16 });
    expect(Buffer.compare(Buffer.from(decoded.colour.pixels.buffer), await storedSamples(tagged))).toBe(0);
  });

  it.each([
    ['with a profile', true],
    ['without a profile', false],
  ])('of CMYK %s becomes sRGB, and says so', async (_, tagged) => {
    const muted = { ...drawRaw(32, 32), data: Buffer.alloc(32 * 32 * 3, Buffer.from([150, 110, 100])) };
    const converted = fromRaw(muted).toColourspace('cmyk');
    const bytes = await (tagged ? converted.withIccProfile('cmyk') : converted).jpeg({ quality: 95 }).toBuffer();
    const decoded = await decode(bytes, limits);
    const [r = 0, g = 0, b = 0] = decoded.colour.pixels;

    expect(await sharp(bytes).metadata()).toMatchObject({ space: 'cmyk', hasProfile: tagged });
    expect(decoded.facts).toMatchObject({ channels: 3, bitDepth: 8, hasAlpha: false });
    expect(Math.max(Math.abs(r - 150), Math.abs(g - 110), Math.abs(b - 100))).toBeLessThan(20);
    expect(decoded.metadata.icc).toBeUndefined();
    expect(codesOf(decoded)).toEqual(['colour-converted']);
  });

  it('of CMYK is read even with a broken profile', async () => {
    const cmyk = await fromRaw(drawRaw(32, 32)).toColourspace('cmyk').jpeg().toBuffer();
    const decoded = await decode(withProfile(cmyk, Buffer.alloc(300, 7)), limits);

    expect(decoded.facts).toMatchObject({ channels: 3 });
    expect(codesOf(decoded)).toEqual(['colour-converted']);
  });

  it('of Lab becomes sRGB and says so', async () => {
    const raw = drawRaw(32, 32);
    const lab = await fromRaw(raw).toColourspace('lab').tiff({ compression: 'deflate' }).toBuffer();
    const decoded = await decode(lab, limits);
    const worst = raw.data.reduce(
      (most, value, at) => Math.max(most, Math.abs(value - (decoded.colour.pixels[at] ?? 0))),
      0,
    );

    expect((await sharp(lab).metadata()).space).toMatch(/^labs?$/);
    expect(worst).toBeLessThanOrEqual(6);
    expect(codesOf(decoded)).toEqual(['colour-converted']);
  });

  it.each(['jpeg', 'png'] as const)(
    'of a %s with a broken profile is its stored values, and the profile is dropped',
    async (format) => {
      const plain = await fromRaw(drawRaw(32, 32)).toFormat(format).toBuffer();
      const broken = Buffer.alloc(400, 'not a profile ');
      const bytes =
        format === 'jpeg'
          ? withProfile(plain, broken)
          : withChunk(plain, 'iCCP', Buffer.from('broken\0\0garbage', 'latin1'));
      const decoded = await decode(bytes, limits);

      expect(Buffer.compare(Buffer.from(decoded.colour.pixels), await sharp(plain).raw().toBuffer())).toBe(0);
      expect(decoded.metadata.icc).toBeUndefined();
      expect(codesOf(decoded)).toEqual(['profile-dropped']);
    },
  );

  it('drops a profile of another colour space than the picture has', async () => {
    const gray = await fromRaw(drawRaw(32, 32, 1))
      .toColourspace('b-w')
      .jpeg()
      .toBuffer();
    const decoded = await decode(withProfile(gray, await displayP3()), limits);

    expect(codesOf(decoded)).toEqual(['profile-dropped']);
  });
});

describe('frames and pages', () => {
  it.each(['gif', 'webp'] as const)('of an animated %s: the first is taken, and said to be', async (format) => {
    const frames = await Promise.all(
      [1, 2, 3].map((seed) =>
        fromRaw(drawRaw(24, 16, 3, seed))
          .png()
          .toBuffer(),
      ),
    );
    const bytes = await sharp(frames, { join: { animated: true } })
      .toFormat(format, { lossless: true })
      .toBuffer();
    const decoded = await decode(bytes, limits);
    const first = await sharp(bytes, { page: 0 }).removeAlpha().raw().toBuffer();

    expect(decoded.facts).toMatchObject({ format, width: 24, height: 16, pages: 3 });
    expect(Buffer.compare(Buffer.from(decoded.colour.pixels), first)).toBe(0);
    expect(codesOf(decoded)).toEqual(['first-frame-only']);
  });

  it('of an animated PNG are counted', async () => {
    const png = await fromRaw(drawRaw(24, 16)).png().toBuffer();
    const decoded = await decode(withChunk(png, 'acTL', Buffer.from([0, 0, 0, 5, 0, 0, 0, 0])), limits);

    expect(decoded.facts.pages).toBe(5);
    expect(codesOf(decoded)).toEqual(['first-frame-only']);
  });
});

describe('a file with stray data', () => {
  it('behind its end is read', async () => {
    const bytes = Buffer.concat([await photoJpeg(32, 32), Buffer.alloc(500, 3)]);

    expect((await decode(bytes, limits)).warnings).toEqual([]);
  });

  it('in its EXIF is read', async () => {
    const bytes = withExif(await photoJpeg(32, 32), Buffer.from('no exif at all'));

    expect(codesOf(await decode(bytes, limits))).toEqual(['exif-dropped']);
  });
});

/** The 16-bit samples of a PNG with any profile taken out of it first. */
async function storedSamples(png: Buffer): Promise<Buffer> {
  const at = png.indexOf('iCCP') - 4;
  const bare = Buffer.concat([png.subarray(0, at), png.subarray(at + 12 + png.readUInt32BE(at))]);
  return sharp(bare).toColourspace('rgb16').raw({ depth: 'ushort' }).toBuffer();
}
