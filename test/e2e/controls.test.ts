import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Image } from '../../functions/lib/imaging/image.ts';
import { findModel, loadRegistry } from '../../functions/lib/inference/registry.ts';
import { restoreImage } from '../../functions/lib/inference/run-model.ts';
import { openSession, type Session } from '../../functions/lib/inference/session.ts';
import { assess } from '../../functions/lib/quality/assessment.ts';
import { damage, damages } from '../../samples/damage.ts';
import { root } from '../support/cli.ts';

/** A folder of clean photographs that no model was trained on. None come with the repository. */
const photographs = process.env.IQPIR_TEST_PHOTOS;
if (!photographs) {
  console.warn('SKIPPED: what score and fidelity change. IQPIR_TEST_PHOTOS names no folder with photographs.');
}

/** px: a square of every second photograph, damaged three times. */
const side = 256;

interface Means {
  /** dB, against the clean photograph. */
  psnr: number;
  learned: number;
  sharpness: number;
  noise: number;
}

describe.skipIf(!photographs)('on held-out photographs, on average', { timeout: 300_000 }, () => {
  let restorer: Session;
  let judge: Session;
  const pairs: { clean: Image; damaged: Image }[] = [];

  beforeAll(async () => {
    const registry = await loadRegistry([join(root, 'models', 'registry.json')]);
    restorer = await openSession(findModel(registry, 'iqpir-photo', 'restore'), { device: 'cpu', threads: 2 });
    judge = await openSession(findModel(registry, 'iqa-photo', 'assess'), { device: 'cpu', threads: 2 });
    const names = (await readdir(photographs ?? '')).filter((name) => /\.(webp|jpe?g|png)$/.test(name)).sort();
    for (const [seed, name] of names.entries()) {
      if (seed % 2) continue;
      const { data, info } = await sharp(join(photographs ?? '', name))
        .extract({ left: 128, top: 128, width: side, height: side })
        .removeAlpha()
        .raw()
        .toBuffer({ resolveWithObject: true });
      for (const strength of Object.values(damages)) {
        const jpeg = await damage({ data, info }, strength, seed);
        pairs.push({ clean: imageOf(data), damaged: imageOf(await sharp(jpeg).raw().toBuffer()) });
      }
    }
  }, 60_000);
  afterAll(() => Promise.all([restorer?.close(), judge?.close()]));

  async function means(request: { score?: number; fidelity?: number }): Promise<Means> {
    const sum: Means = { psnr: 0, learned: 0, sharpness: 0, noise: 0 };
    for (const { clean, damaged } of pairs) {
      const { image } = await restoreImage(restorer, damaged, request);
      const { scores, learned } = await assess(image, judge);
      const classic = (name: string) => scores.find(({ metric }) => metric === name)?.value ?? Number.NaN;
      sum.psnr += psnr(clean, image) / pairs.length;
      sum.learned += learned.value / pairs.length;
      sum.sharpness += classic('sharpness') / pairs.length;
      sum.noise += classic('noise') / pairs.length;
    }
    return sum;
  }

  test('fidelity brings the picture nearer to the clean one', async () => {
    const asked = [0, 0.25, 0.5, 0.75, 1];
    const found: Means[] = [];
    for (const fidelity of asked) found.push(await means({ fidelity }));
    console.table(Object.fromEntries(asked.map((fidelity, index) => [`fidelity ${fidelity}`, found[index]])));
    // At the end it levels off: 0.75 and 1 differ by thousandths of a decibel.
    expectRising(
      found.map(({ psnr }) => psnr),
      0.01,
    );
    expect(found[2]?.psnr).toBeGreaterThan((found[0]?.psnr ?? 0) + 0.5);
  });

  test('a higher requested score gives a better picture, by the learned score and by a classic measure', async () => {
    const asked = [0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1];
    const found: Means[] = [];
    for (const score of asked) found.push(await means({ score }));
    console.table(Object.fromEntries(asked.map((score, index) => [`score ${score}`, found[index]])));
    expectRising(found.map(({ learned }) => learned));
    expectRising(found.map(({ sharpness }) => sharpness));
    expectRising(found.map(({ psnr }) => psnr));
  });
});

function imageOf(data: Buffer): Image {
  return { width: side, height: side, channels: 3, pixels: new Uint8Array(data) };
}

function psnr(a: Image, b: Image): number {
  let squares = 0;
  for (const [at, value] of a.pixels.entries()) squares += (value - (b.pixels[at] ?? 0)) ** 2;
  return 10 * Math.log10(255 ** 2 / (squares / a.pixels.length));
}

function expectRising(values: number[], slack = 0): void {
  for (const [index, value] of values.entries()) {
    if (index > 0) expect(value, `${values}`).toBeGreaterThan((values[index - 1] ?? 0) - slack);
  }
}
