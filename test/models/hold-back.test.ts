import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Image } from '../../functions/lib/imaging/image.ts';
import { holdBack } from '../../functions/lib/quality/hold-back.ts';
import { root } from '../support/cli.ts';
import { draw, photoLike, random } from '../support/generated-pictures.ts';
import { python, pythonHas } from '../support/python.ts';

const run = promisify(execFile);

const hasOpenCV = await pythonHas('cv2', `Python's "hold back" was`);

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hold-back-'));
});
afterAll(() => rm(folder, { recursive: true }));

async function write(name: string, { width, height, channels, pixels }: Image): Promise<string> {
  const file = join(folder, name);
  await sharp(pixels, { raw: { width, height, channels } }).png().toFile(file);
  return file;
}

describe.runIf(hasOpenCV)('holdBack', () => {
  it('computes what the Python corner calibrates its limit with', async () => {
    const original = photoLike(150, 101);
    const next = random(3);
    // Stronger to the right, so that some cells are held back and some are not.
    const restored = draw(150, 101, 3, (x, y, channel) => {
      const value = original.pixels[3 * (150 * y + x) + channel] ?? 0;
      return value + ((next() - 0.5) * x) / 3;
    });
    const files = [await write('original.png', original), await write('restored.png', restored)];
    await run(python, [join(root, 'models', 'hold_back.py'), ...files, '6', join(folder, 'out.png')]);
    const expected = await sharp(join(folder, 'out.png')).raw().toBuffer();

    const kept = holdBack(original, restored, 6);
    expect(kept).toBeGreaterThan(0.3);
    expect(kept).toBeLessThan(0.9);
    const differences = restored.pixels.map((value, at) => Math.abs(value - (expected[at] ?? 0)));
    // A number at the edge between two may be rounded to either.
    expect(Math.max(...differences)).toBeLessThanOrEqual(1);
    expect(differences.filter((difference) => difference > 0).length).toBeLessThan(10);
  });
});
