import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { root } from '../support/cli.ts';
import { photoLike } from '../support/generated-pictures.ts';
import { python, pythonHas } from '../support/python.ts';

const run = promisify(execFile);

const hasPyTorch = await pythonHas('torch, cv2, onnx', 'The training smoke run was');

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'training-'));
  await mkdir(join(folder, 'photos'));
  const rows = ['file,source,licence,kind,detail,person'];
  for (let index = 0; index < 24; index++) {
    const { width, height, channels, pixels } = photoLike(256, 256, { seed: index });
    const name = `${index}.jpg`;
    await sharp(pixels, { raw: { width, height, channels } })
      .jpeg({ quality: 94 })
      .toFile(join(folder, 'photos', name));
    // Portraits are never set aside for calibration, so that these few are all trained on.
    rows.push(`${name},generated,none,face,5,`);
  }
  await writeFile(join(folder, 'photos', 'index.csv'), `${rows.join('\n')}\n`);
});
afterAll(() => rm(folder, { recursive: true }));

async function script(name: string, ...args: string[]): Promise<string> {
  const { stdout } = await run(python, [join(root, 'models', name), ...args], { maxBuffer: 1e7 });
  return stdout;
}

describe.runIf(hasPyTorch)('the Python corner', () => {
  it('trains both stages and exports a file that computes the same, in two minutes', { timeout: 600_000 }, async () => {
    const photos = ['--photos', join(folder, 'photos'), '--out', folder, '--smoke'];
    await script('train_codebooks.py', ...photos);
    await script('train_photo.py', ...photos);
    const model = join(folder, 'iqpir-photo.onnx');
    await script('export_photo.py', '--checkpoint', join(folder, 'photo.pt'), '--out', model);
    expect((await stat(model)).size).toBeGreaterThan(1e6);
  });

  it('makes a checkpoint of the shipped restorer that computes the same, to train on from', {
    timeout: 120_000,
  }, async () => {
    const shipped = join(root, 'models', 'onnx', 'iqpir-photo.onnx');
    const found = await script('photo_from_onnx.py', '--onnx', shipped, '--out', join(folder, 'shipped.pt'));
    expect(found.match(/codes equal 1\.0000/g)).toHaveLength(3);
    expect((await stat(join(folder, 'shipped.pt'))).size).toBeGreaterThan(1e6);
  });

  it('trains towards the SSIM that the evaluation measures', { timeout: 120_000 }, async () => {
    const measure = `
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from photo_learner import structural_similarity
from photo_samples import as_tensor
from picture_measures import load, ssim
one, other = (load(Path(name))[:, :200] for name in sys.argv[2:])
print(ssim(one, other), structural_similarity(as_tensor(one)[None], as_tensor(other)[None]).item())`;
    const photos = ['3.jpg', '4.jpg'].map((name) => join(folder, 'photos', name));
    const { stdout } = await run(python, ['-c', measure, join(root, 'models'), ...photos]);
    const [evaluated, trained] = stdout.trim().split(' ').map(Number);
    expect(evaluated).toBeLessThan(0.9);
    expect(trained).toBeCloseTo(evaluated ?? Number.NaN, 4);
  });

  it('damages a folder of pictures the same way every time', { timeout: 120_000 }, async () => {
    const [one, two] = [join(folder, 'one'), join(folder, 'two')];
    await script('damage.py', join(folder, 'photos'), one, '--levels', 'medium');
    await script('damage.py', join(folder, 'photos'), two, '--levels', 'medium');
    const pixels = async (at: string) =>
      sharp(join(at, 'medium', '3.png'))
        .raw()
        .toBuffer();
    expect((await pixels(one)).equals(await pixels(two))).toBe(true);
  });

  it('finds that tiles of the restorer equal the whole', { timeout: 120_000 }, async () => {
    const found = /64 px from the cut: (\S+)/.exec(await script('photo_network.py'));
    expect(Number(found?.[1])).toBeLessThan(1e-4);
  });
});
