import { access, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import sharp, { type Sharp } from 'sharp';

/** What is measured: JPEG as cameras write it, or PNG with four channels of 16 bit, the most memory that a pixel takes. */
export type Kind = 'rgb8' | 'rgba16';

/**
 * Makes a picture of a size out of a smaller photograph, repeated and slightly blurred so that there is something to restore.
 * Made once: a file that lies there is taken for it.
 * @param megapixels of 3:2; 100 gives 12,247 x 8,165
 * @param take tells pictures of one size apart
 * @returns its path
 */
export async function makePicture(
  photograph: string,
  folder: string,
  kind: Kind,
  megapixels: number,
  take: number,
): Promise<string> {
  const path = join(folder, `${kind}-${megapixels}mp-${take}.${kind === 'rgb8' ? 'jpg' : 'png'}`);
  if (await exists(path)) return path;
  await mkdir(folder, { recursive: true });
  const width = Math.round(Math.sqrt(megapixels * 1.5e6));
  const height = Math.round(width / 1.5);
  const brick = await sharp(photograph)
    .rotate()
    .resize(Math.min(width, 1200), Math.min(height, 800), { fit: 'cover' })
    .modulate({ brightness: 1 + take / 100 })
    .blur(1.2)
    .toBuffer();
  const wall = sharp({ create: { width, height, channels: 3, background: '#888' }, limitInputPixels: false }).composite(
    [{ input: brick, tile: true }],
  );
  if (kind === 'rgb8') await wall.jpeg({ quality: 60 }).toFile(path);
  else await (await withAlpha(wall, width, height)).toFile(path);
  return path;
}

/** sharp composites before it changes the depth, so the wall is laid first. */
async function withAlpha(wall: Sharp, width: number, height: number): Promise<Sharp> {
  const raw = await wall.removeAlpha().raw().toBuffer();
  return sharp(raw, { raw: { width, height, channels: 3 }, limitInputPixels: false })
    .ensureAlpha(0.5)
    .toColourspace('rgb16')
    .png({ compressionLevel: 1 });
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
