import sharp from 'sharp';
import { photoLike, random as randomOf } from '../../generated-pictures.ts';

export interface StormUpload {
  key: string;
  body: Buffer;
}

/** Shares of all uploads. */
const broken = 0.06;
const replaced = 0.08;

/**
 * Tiny pictures, some of which are none, some keys with two or three versions; the same for the same seed.
 * @param count of versions
 */
export async function stormPictures(prefix: string, count: number, seed: number): Promise<StormUpload[]> {
  const random = randomOf(seed);
  const pictures = await Promise.all(Array.from({ length: 60 }, (_, index) => picture(index + 1, random)));
  const uploads: StormUpload[] = [];
  for (let number = 0; uploads.length < count; number++) {
    const key = `${prefix}${String(number % 97).padStart(2, '0')}/${number}`;
    const versions = random() < replaced ? 2 + Math.floor(random() * 2) : 1;
    for (let version = 0; version < Math.min(versions, count - uploads.length + version); version++) {
      const one = pictures[Math.floor(random() * pictures.length)] as Buffer;
      uploads.push({ key: `${key}.jpg`, body: random() < broken ? damaged(one, random) : one });
    }
  }
  return uploads.slice(0, count);
}

async function picture(seed: number, random: () => number): Promise<Buffer> {
  const side = () => 32 + Math.floor(random() ** 3 * 33);
  const { width, height, channels, pixels } = photoLike(side(), side(), { seed });
  const image = sharp(pixels, { raw: { width, height, channels } });
  return seed % 3 ? image.jpeg({ quality: 30 + (seed % 50) }).toBuffer() : image.png().toBuffer();
}

/** Nothing, text, or a picture that ends early. */
function damaged(picture: Buffer, random: () => number): Buffer {
  const kind = Math.floor(random() * 3);
  if (kind === 0) return Buffer.alloc(0);
  if (kind === 1) return Buffer.from('no picture at all');
  return picture.subarray(0, 100);
}
