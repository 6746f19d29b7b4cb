/**
 * Makes the photographs of this folder from their originals. The Debian packages that hold those are named in LICENSES.md:
 *
 *   apt-get download palapeli-data forensics-samples-files python3-sklearn python3-skimage
 *   for package in *.deb; do dpkg-deb -x "$package" originals; done
 *   npx tsx samples/make.ts originals
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp, { type Region, type Sharp } from 'sharp';
import { type Damage, damage, damages, type Pixels } from './damage.ts';

interface Sample {
  original: string;
  /** Of the upright original, before it is resized. */
  crop?: Region;
  /** Of the upright sample, in pixels. */
  width: number;
  gray?: true;
  /** Left out: the photograph stays as good as it is. */
  damage?: Damage;
  /** The damaged JPEG in the file that becomes the sample; left out, it is the sample. */
  finish?: (damaged: Buffer, size: { width: number; height: number }) => Sharp;
}

const puzzles = 'usr/share/palapeli/collection';
const camera = 'usr/share/forensics-samples/original-files';
const learning = 'usr/lib/python3/dist-packages/sklearn/datasets/images';
const imaging = 'usr/lib/python3/dist-packages/skimage/data';

const samples: Record<string, Sample> = {
  'bee-on-aster.jpg': { original: `${puzzles}/european-honey-bee.jpg`, width: 1152, damage: damages.hard },
  'bridge-display-p3.jpg': {
    original: `${puzzles}/cincinnati-bridge.jpg`,
    width: 1024,
    damage: damages.medium,
    // Converted into the profile and kept at high quality, as an editor would save it.
    finish: (damaged) => sharp(damaged).withIccProfile('p3').jpeg({ quality: 92 }),
  },
  'citrus-slices.jpg': { original: `${puzzles}/citrus-fruits.jpg`, width: 1024, damage: damages.mild },
  'coffee-cutout.png': {
    original: `${imaging}/coffee.png`,
    width: 600,
    damage: damages.medium,
    finish: (damaged, size) => sharp(damaged).joinChannel(vignette(size)).png({ compressionLevel: 9 }),
  },
  'dahlia.jpg': { original: `${learning}/flower.jpg`, width: 640, damage: damages.mild },
  'dog-turned-by-exif.jpg': {
    original: `${camera}/pic2/IMG_20200124_231153.jpg`,
    crop: { left: 1300, top: 0, width: 2250, height: 3000 },
    width: 768,
    damage: damages.medium,
    // Stored a quarter turn to the left, as a phone held upright stores it.
    finish: (damaged) =>
      sharp(damaged)
        .rotate(270)
        .withMetadata({ orientation: 6 })
        .withExifMerge({
          IFD0: { Artist: 'Joao Eriberto Mota Filho', Copyright: 'CC BY-SA 4.0, Joao Eriberto Mota Filho' },
          IFD2: { DateTimeOriginal: '2020:01:24 23:11:53' },
        })
        .jpeg({ quality: 92 }),
  },
  'dogs-already-good.jpg': { original: `${camera}/pic2/IMG_20200608_111614.jpg`, width: 420 },
  'metro.jpg': { original: `${camera}/pic1/IMG_1054.JPG`, width: 1024, damage: damages.medium },
  'pagoda.jpg': { original: `${learning}/china.jpg`, width: 640, damage: damages.hard },
  'photographer-gray.jpg': { original: `${imaging}/camera.png`, width: 512, gray: true, damage: damages.medium },
};

await make(process.argv[2]);

async function make(originals: string | undefined): Promise<void> {
  if (!originals)
    throw new Error('Expected the folder of the unpacked packages, as in `npx tsx samples/make.ts originals`.');
  for (const [index, [name, sample]] of Object.entries(samples).entries()) {
    const pixels = await prepare(join(originals, sample.original), sample);
    await writeFile(join(import.meta.dirname, name), await bytesOf(sample, pixels, index + 1));
  }
  const text = 'This is a text file whose name says that it is a photograph. Restoring it must fail, and say so.\n';
  await writeFile(join(import.meta.dirname, 'not-a-photo.jpg'), text);
}

async function bytesOf({ damage: strength, finish }: Sample, pixels: Pixels, seed: number): Promise<Buffer> {
  if (!strength)
    return sharp(pixels.data, { raw: pixels.info }).jpeg({ quality: 95, chromaSubsampling: '4:4:4' }).toBuffer();
  const damaged = await damage(pixels, strength, seed);
  return finish ? finish(damaged, pixels.info).toBuffer() : damaged;
}

/** The upright original, cropped and made small, in sRGB without alpha. */
async function prepare(path: string, { crop, width, gray }: Sample): Promise<Pixels> {
  const upright = await sharp(path)
    .autoOrient()
    .toColourspace('srgb')
    .removeAlpha()
    .png({ compressionLevel: 1 })
    .toBuffer();
  const cropped = crop ? sharp(upright).extract(crop) : sharp(upright);
  const sized = cropped.resize({ width, kernel: 'lanczos3' });
  return (gray ? sized.toColourspace('b-w') : sized).raw().toBuffer({ resolveWithObject: true });
}

/** Alpha that is opaque in an oval and fades out around it; one byte a pixel as a gray PNG. */
function vignette({ width, height }: { width: number; height: number }): Buffer {
  return Buffer.from(
    `<svg width="${width}" height="${height}"><defs><radialGradient id="g"><stop offset=".85" stop-color="#fff"/>` +
      `<stop offset="1" stop-color="#000"/></radialGradient></defs><rect width="100%" height="100%" fill="#000"/>` +
      `<ellipse cx="50%" cy="50%" rx="49%" ry="49%" fill="url(#g)"/></svg>`,
  );
}
