import { join } from 'node:path';
import sharp, { type Region } from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Image } from '../../functions/lib/imaging/image.ts';
import { findModel, loadRegistry, type RegisteredModel } from '../../functions/lib/inference/registry.ts';
import { restoreImage } from '../../functions/lib/inference/run-model.ts';
import { openSession, type Session } from '../../functions/lib/inference/session.ts';
import { learnedScore } from '../../functions/lib/quality/learned-score.ts';
import { root } from '../support/cli.ts';

/** `UPDATE_GOLDEN=1 npx vitest run test/e2e/real-models.test.ts` writes it anew, after a look at the difference. */
const goldenFile = join(root, 'test', 'fixtures', 'golden.png');

let restorer: RegisteredModel;
let session: Session;
let assessor: Session;
let damaged: Image;

beforeAll(async () => {
  const registry = await loadRegistry([join(root, 'models', 'registry.json')]);
  restorer = findModel(registry, 'iqpir-photo', 'restore');
  session = await openSession(restorer, { device: 'cpu', threads: 2 });
  assessor = await openSession(findModel(registry, 'iqa-photo', 'assess'), { device: 'cpu', threads: 2 });
  damaged = await sample('bee-on-aster.jpg', { left: 300, top: 250, width: 416, height: 352 });
});
afterAll(() => Promise.all([session.close(), assessor.close()]));

async function sample(name: string, area: Region): Promise<Image> {
  const pixels = await sharp(join(root, 'samples', name))
    .extract(area)
    .raw()
    .toBuffer();
  return { width: area.width, height: area.height, channels: 3, pixels: new Uint8Array(pixels) };
}

const raw = ({ width, height, channels }: Image) => ({ raw: { width, height, channels } });

/** The share of samples that differ by more than `levels` of 255, and the largest difference. */
function compare(a: Image, b: Image, levels: number, inside = 0): { share: number; worst: number } {
  let [beyond, counted, worst] = [0, 0, 0];
  for (let y = inside; y < a.height - inside; y++) {
    for (let at = (y * a.width + inside) * 3; at < (y * a.width + a.width - inside) * 3; at++) {
      const difference = Math.abs((a.pixels[at] ?? 0) - (b.pixels[at] ?? 0));
      worst = Math.max(worst, difference);
      beyond += difference > levels ? 1 : 0;
      counted++;
    }
  }
  return { share: beyond / counted, worst };
}

describe('the shipped models', () => {
  it('restore a damaged photograph to the picture that was looked at when they were shipped', async () => {
    const { image } = await restoreImage(session, damaged, {});
    if (process.env.UPDATE_GOLDEN)
      await sharp(image.pixels as Uint8Array, raw(image))
        .png()
        .toFile(goldenFile);
    const pixels = new Uint8Array(await sharp(goldenFile).removeAlpha().raw().toBuffer());
    // Another processor's rounding may flip a code here and there: one sample in a thousand.
    expect(compare(image, { ...image, pixels }, 2).share).toBeLessThanOrEqual(0.001);
    expect(compare(image, damaged, 2).share).toBeGreaterThan(0.2);
  });

  it('see no seam: tiles give what the whole picture gives', async () => {
    const whole = await restoreImage(session, damaged, {});
    const tiled = { ...restorer.card, tiling: { tile: 224, overlap: restorer.card.tiling?.overlap ?? 0, fade: 0 } };
    const cut = await restoreImage({ ...session, card: tiled }, damaged, {});
    expect([whole.tiles, cut.tiles >= 4]).toEqual([1, true]);
    expect(compare(whole.image, cut.image, 1).share).toBeLessThanOrEqual(0.001);
    const again = await restoreImage({ ...session, card: tiled }, damaged, {});
    expect(Buffer.from(again.image.pixels.buffer).equals(Buffer.from(cut.image.pixels.buffer))).toBe(true);
  });

  it('judge the restoration better than the damage, and the damage worse than a clean photograph', async () => {
    const score = async (image: Image) => (await learnedScore(image, assessor)).value;
    const { image } = await restoreImage(session, damaged, {});
    const clean = await sample('dogs-already-good.jpg', { left: 0, top: 0, width: 315, height: 315 });
    const [before, after, good] = [await score(damaged), await score(image), await score(clean)];
    expect(after).toBeGreaterThan(before);
    expect(good).toBeGreaterThan(after);
  });

  it('hear the requested score and fidelity', async () => {
    const { image } = await restoreImage(session, damaged, { score: 0.9, fidelity: 1 });
    const less = await restoreImage(session, damaged, { score: 0.3, fidelity: 1 });
    const codesOnly = await restoreImage(session, damaged, { score: 0.9, fidelity: 0 });
    expect(compare(image, less.image, 0).share).toBeGreaterThan(0.005);
    expect(compare(image, codesOnly.image, 0).share).toBeGreaterThan(0.05);
  });
});
