import ExifReader from 'exifreader';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { decode, encode } from '../../../../functions/lib/imaging/codec.ts';
import type { Metadata } from '../../../../functions/lib/imaging/image.ts';
import { cameraExif, cameraXmp, hugeCountExif, longExif, loopingExif } from '../../../support/exif-blocks.ts';
import {
  displayP3,
  drawRaw,
  fromRaw,
  photoJpeg,
  withExif,
  withProfile,
  withSegment,
  withXmp,
} from '../../../support/pictures.ts';

const limits = { maxPixels: 1_000_000 };
const byteKeeping = ['jpeg', 'png', 'webp', 'avif'] as const;
const all = [...byteKeeping, 'tiff'] as const;
const processedBy = 'iqpir-restore 1.2.3';
const codesOf = ({ warnings }: { warnings: { code: string }[] }) => warnings.map(({ code }) => code);

/** EXIF without the six bytes that some readers put before it. */
const bare = (exif: Buffer | undefined) => (exif?.toString('latin1', 0, 4) === 'Exif' ? exif.subarray(6) : exif);

async function cameraPicture(orientation = 1, order: 'II' | 'MM' = 'II') {
  const jpeg = withProfile(await photoJpeg(48, 32), await displayP3());
  return decode(withExif(withXmp(jpeg, cameraXmp), cameraExif(orientation, order)), limits);
}

async function plainPicture(metadata: Partial<Metadata> = {}) {
  const decoded = await decode(await photoJpeg(48, 32), limits);
  return { ...decoded, metadata: { orientation: 1, ...metadata } };
}

describe('keep', () => {
  it.each(byteKeeping)('carries EXIF, XMP and profile byte for byte in %s', async (format) => {
    const { bytes, warnings } = await encode(await cameraPicture(), { format, policy: 'keep', processedBy });
    const { exif, xmp, icc } = await sharp(bytes).metadata();

    expect(warnings).toEqual([]);
    expect(bare(exif)?.equals(cameraExif(1))).toBe(true);
    expect(xmp?.toString()).toBe(cameraXmp.replace('Orientation="6"', 'Orientation="1"'));
    expect(icc?.equals(await displayP3())).toBe(true);
  });

  it.each(byteKeeping)('changes nothing in EXIF but the orientation (%s, both byte orders)', async (format) => {
    for (const order of ['II', 'MM'] as const) {
      const { bytes } = await encode(await cameraPicture(6, order), { format, policy: 'keep' });
      const { exif, orientation } = await sharp(bytes).metadata();

      expect(bare(exif)?.equals(cameraExif(1, order)), order).toBe(true);
      expect(orientation ?? 1, order).toBe(1);
    }
  });

  it.each(all)('is read by another reader in %s', async (format) => {
    const { bytes } = await encode(await cameraPicture(), { format, policy: 'keep' });
    // A PNG's profile is compressed, which the reader unpacks only when it may wait.
    const { exif, gps, xmp, icc } = await ExifReader.load(bytes, { expanded: true, async: true });

    expect(exif?.Artist?.description).toBe('Ada Example');
    expect(exif?.DateTimeOriginal?.description).toBe('2024:05:06 07:08:09');
    expect(gps ?? exif?.GPSDateStamp).toBeDefined();
    expect(xmp).toBeDefined();
    expect(icc?.['ICC Description']?.description ?? icc?.['Profile Description']?.description).toMatch(/P3/);
  });

  it('carries profile and XMP byte for byte in TIFF, and EXIF but for maker notes', async () => {
    const { bytes, warnings } = await encode(await cameraPicture(), { format: 'tiff', policy: 'keep' });
    const { xmp, icc } = await sharp(bytes).metadata();

    expect(warnings).toEqual([
      { code: 'metadata-not-carried', message: "Left out: the camera maker's notes (tiff has no place for it)." },
    ]);

    expect(icc?.equals(await displayP3())).toBe(true);
    expect(xmp?.toString()).toBe(cameraXmp.replace('Orientation="6"', 'Orientation="1"'));
    expect(bytes.includes('SECRET-MAKER-NOTE')).toBe(false);
  });

  it('carries EXIF from one TIFF to the next', async () => {
    const first = await encode(await cameraPicture(), { format: 'tiff', policy: 'keep' });
    const second = await encode(await decode(first.bytes, limits), { format: 'tiff', policy: 'keep' });
    const { exif } = ExifReader.load(second.bytes, { expanded: true });

    expect(exif?.Copyright?.description).toBe('(c) 2024 Ada Example');
    expect(exif?.DateTimeOriginal?.description).toBe('2024:05:06 07:08:09');
  });

  it.each(['png', 'tiff'] as const)('works for 16 bit too in %s', async (format) => {
    const { metadata } = await cameraPicture();
    const colour = { width: 16, height: 8, channels: 3 as const, pixels: new Uint16Array(384).fill(30_000) };
    const { bytes } = await encode({ colour, metadata }, { format, policy: 'keep' });
    const again = await decode(bytes, limits);

    expect(again.colour).toEqual(colour);
    expect(again.metadata.icc?.equals(await displayP3())).toBe(true);
    expect(again.metadata.xmp?.length).toBe(Buffer.byteLength(cameraXmp));
  });

  it.each(byteKeeping)('leaves the pixels alone (%s)', async (format) => {
    const decoded = await cameraPicture();
    const withMetadata = await encode(decoded, { format, policy: 'keep' });
    const without = await encode({ colour: decoded.colour, metadata: { orientation: 1 } }, { format, policy: 'keep' });
    const pixelsOf = (bytes: Buffer) => sharp(bytes, { ignoreIcc: true }).raw().toBuffer();

    expect((await pixelsOf(withMetadata.bytes)).equals(await pixelsOf(without.bytes))).toBe(true);
  });

  it.each(byteKeeping)('carries everything beside alpha too (%s)', async (format) => {
    const decoded = await cameraPicture();
    const alpha = { width: 48, height: 32, channels: 1 as const, pixels: new Uint8Array(48 * 32).fill(77) };
    const { bytes } = await encode({ ...decoded, alpha }, { format, policy: 'keep' });
    const { exif, xmp, hasAlpha } = await sharp(bytes).metadata();

    expect(bare(exif)?.equals(cameraExif(1))).toBe(true);
    expect(xmp?.length).toBe(Buffer.byteLength(cameraXmp));
    expect(hasAlpha).toBe(format !== 'jpeg');
  });

  it('carries a profile that needs several JPEG segments', async () => {
    const profile = Buffer.alloc(200_000, 5);
    (await displayP3()).copy(profile);
    profile.writeUInt32BE(profile.length, 0);
    const { bytes } = await encode(await plainPicture({ icc: profile }), { format: 'jpeg', policy: 'keep' });

    expect((await sharp(bytes).metadata()).icc?.equals(profile)).toBe(true);
  });

  it('names what a JPEG carries that results do not', async () => {
    const jpeg = withSegment(
      withSegment(
        withSegment(await photoJpeg(48, 32), 0xe2, 'MPF\0II*\0'),
        0xe1,
        'http://ns.adobe.com/xmp/extension/\0',
        Buffer.alloc(60),
      ),
      0xeb,
      'JP\0\0\0\0\0\0jumb c2pa',
    );
    const { warnings } = await encode(await decode(jpeg, limits), { format: 'jpeg', policy: 'keep' });

    expect(warnings.map(({ message }) => message)).toEqual([
      'Left out: C2PA manifest (results do not carry it).',
      'Left out: extended XMP (results do not carry it).',
      'Left out: further pictures behind the first (results do not carry it).',
    ]);
  });
});

describe('copyright', () => {
  it.each(all)('lets through copyright, artist, date and description in %s, and nothing else', async (format) => {
    const { bytes } = await encode(await cameraPicture(), { format, policy: 'copyright', processedBy });
    const { exif, gps } = ExifReader.load(bytes, { expanded: true });
    const { xmp, icc } = await sharp(bytes).metadata();

    expect(exif?.Copyright?.description).toBe('(c) 2024 Ada Example');
    expect(exif?.Artist?.description).toBe('Ada Example');
    expect(exif?.ImageDescription?.description).toBe('A harbour at dusk');
    expect(exif?.DateTimeOriginal?.description).toBe('2024:05:06 07:08:09');
    expect(exif?.Make).toBeUndefined();
    expect(gps).toBeUndefined();
    expect(bytes.includes('SECRET-MAKER-NOTE')).toBe(false);
    expect(bytes.includes('GPS')).toBe(false);
    expect(xmp?.toString()).toContain('<dc:rights><rdf:Alt><rdf:li xml:lang="x-default">Ada &amp; Co</rdf:li>');
    expect(xmp?.toString()).toContain('<dc:creator><rdf:Seq><rdf:li>Ada Example</rdf:li>');
    expect(icc?.equals(await displayP3())).toBe(true);
  });

  it('writes no EXIF where the source says nothing of rights', async () => {
    const picture = await plainPicture({ exif: hugeCountExif() });
    const { bytes } = await encode(picture, { format: 'jpeg', policy: 'copyright' });

    expect(await sharp(bytes).metadata()).not.toHaveProperty('exif');
  });
});

describe('none', () => {
  it.each(all)('leaves only the profile in %s, and says why it stays', async (format) => {
    const result = await encode(await cameraPicture(), { format, policy: 'none', processedBy });
    const { exif, gps } = ExifReader.load(result.bytes, { expanded: true });
    const { xmp, icc } = await sharp(result.bytes).metadata();

    expect(exif?.Artist ?? exif?.Copyright ?? exif?.Make ?? gps ?? xmp).toBeUndefined();
    expect(result.bytes.includes('Example')).toBe(false);
    expect(icc?.equals(await displayP3())).toBe(true);
    expect(codesOf(result)).toEqual(['profile-kept']);
  });

  it('drops an sRGB profile, which changes no colour', async () => {
    const { icc } = await sharp(await fromRaw(drawRaw(8, 8)).withIccProfile('srgb').png().toBuffer()).metadata();
    const result = await encode(await plainPicture({ icc }), { format: 'png', policy: 'none' });

    expect(icc).toBeDefined();
    expect(result.warnings).toEqual([]);
    expect(await sharp(result.bytes).metadata()).not.toHaveProperty('icc');
  });
});

describe('the note of having been processed', () => {
  it.each(all)('goes into %s where the source has no XMP', async (format) => {
    for (const policy of ['keep', 'copyright'] as const) {
      const { bytes } = await encode(await plainPicture(), { format, policy, processedBy });
      const text = (await sharp(bytes).metadata()).xmpAsString ?? '';

      expect(text, policy).toContain(`<xmp:CreatorTool>${processedBy}</xmp:CreatorTool>`);
      expect(text, policy).toContain(
        '<Iptc4xmpExt:DigitalSourceType>http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia<',
      );
    }
  });

  it.each(all)('goes into the own XMP of a source whose faces were generated (%s)', async (format) => {
    const { bytes } = await encode(await cameraPicture(), { format, policy: 'keep', processedBy, generated: true });
    const { DigitalSourceType } = await ExifReader.load(bytes, { async: true });

    expect(DigitalSourceType?.value).toMatch(/compositeWithTrainedAlgorithmicMedia$/);
  });

  it('is left out under none, and where nothing was processed', async () => {
    const bare = await encode(await plainPicture(), { format: 'jpeg', policy: 'none', processedBy });
    const original = await encode(await plainPicture(), { format: 'jpeg', policy: 'keep' });

    expect((await sharp(bare.bytes).metadata()).xmp).toBeUndefined();
    expect((await sharp(original.bytes).metadata()).xmp).toBeUndefined();
  });
});

describe('absurd metadata', () => {
  it.each([
    ['a loop of directories', loopingExif(), ['exif-irregular']],
    ['a huge count', hugeCountExif(), ['exif-irregular']],
    ['random bytes', Buffer.from(Array.from({ length: 200 }, (_, at) => (at * 89) % 251)), ['exif-dropped']],
    ['a header and nothing else', Buffer.from('II*\0\x08\0\0\0', 'latin1'), ['exif-dropped']],
    ['a directory far outside', Buffer.from('MM\0*\x7f\xff\xff\xf0', 'latin1'), ['exif-dropped']],
  ])('in EXIF warns and fails nothing: %s', async (_, exif, codes) => {
    const decoded = await decode(withExif(await photoJpeg(32, 32), exif), limits);

    expect(codesOf(decoded)).toEqual(codes);
    for (const policy of ['keep', 'copyright', 'none'] as const) {
      for (const format of all) {
        const { bytes } = await encode(decoded, { format, policy });
        expect((await decode(bytes, limits)).facts, `${policy} ${format}`).toMatchObject({ width: 32, height: 32 });
      }
    }
  });

  it('of 70 KB is named and left out of JPEG, and fits elsewhere', async () => {
    const png = await encode(await plainPicture({ exif: longExif() }), { format: 'png', policy: 'keep' });
    const decoded = await decode(png.bytes, limits);
    const jpeg = await encode(decoded, { format: 'jpeg', policy: 'keep' });

    expect(decoded.metadata.exif?.equals(longExif())).toBe(true);
    expect(jpeg.warnings).toEqual([
      { code: 'metadata-not-carried', message: 'Left out: EXIF of more than 64 KB (jpeg has no place for it).' },
    ]);
    expect((await sharp(jpeg.bytes).metadata()).exif).toBeUndefined();
  });

  it('in a gray picture: its profile is named and left out where the format has no gray', async () => {
    const gray = Buffer.from(await displayP3());
    gray.write('GRAY', 16, 'latin1');
    const picture = await plainPicture({ icc: gray });

    expect(codesOf(await encode(picture, { format: 'webp', policy: 'keep' }))).toEqual(['metadata-not-carried']);
  });
});
