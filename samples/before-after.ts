/**
 * Draws the picture at the top of the README from what `npm start` made: a part of some samples as uploaded, and as restored.
 *   npm start && npx tsx samples/before-after.ts bucket samples/before-after.jpg
 */
import { join } from 'node:path';
import sharp, { type Region } from 'sharp';

/** Shown pixel for pixel, doubled, so that nothing is made prettier by shrinking. */
const parts: { name: string; area: Region }[] = [
  { name: 'metro.jpg', area: { left: 200, top: 150, width: 280, height: 210 } },
  { name: 'pagoda.jpg', area: { left: 200, top: 150, width: 280, height: 210 } },
];
const gap = 6;

const [bucket = 'bucket', output = 'samples/before-after.jpg'] = process.argv.slice(2);

async function part(folder: string, name: string, area: Region): Promise<Buffer> {
  const [width, height] = [area.width * 2, area.height * 2];
  return sharp(join(bucket, folder, name))
    .extract(area)
    .resize(width, height, { kernel: 'nearest' })
    .png()
    .toBuffer();
}

const rows = parts.map(({ area }) => area.height * 2 + gap);
const width = 2 * (parts[0]?.area.width ?? 0) * 2 + gap;
const layers = await Promise.all(
  parts.map(async ({ name, area }, row) => {
    const top = rows.slice(0, row).reduce((sum, height) => sum + height, 0);
    return [
      { input: await part('uploads', name, area), left: 0, top },
      { input: await part('results', name, area), left: area.width * 2 + gap, top },
    ];
  }),
);
await sharp({ create: { width, height: rows.reduce((a, b) => a + b, -gap), channels: 3, background: 'white' } })
  .composite(layers.flat())
  .jpeg({ quality: 88 })
  .toFile(output);
