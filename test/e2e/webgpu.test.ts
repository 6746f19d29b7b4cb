import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import type { Image } from '../../functions/lib/imaging/image.ts';
import type { Device } from '../../functions/lib/inference/messages.ts';
import { findModel, loadRegistry, type RegisteredModel } from '../../functions/lib/inference/registry.ts';
import { restoreImage } from '../../functions/lib/inference/run-model.ts';
import { openSession } from '../../functions/lib/inference/session.ts';
import { findInstallation } from '../../functions/lib/installation.ts';
import { learnedScore } from '../../functions/lib/quality/learned-score.ts';
import { iqpir } from '../support/cli.ts';
import { photoLike } from '../support/generated-pictures.ts';
import { fixtureModel } from '../support/model-cards.ts';

/**
 * WebGPU, proven on whatever GPU the machine has, or on the software Vulkan that Debian's chromium carries:
 *   IQPIR_TEST_WEBGPU=1 VK_ICD_FILENAMES=/usr/lib/chromium/vk_swiftshader_icd.json XDG_RUNTIME_DIR=$(mktemp -d) \
 *     npx vitest run test/e2e/webgpu.test.ts
 * Pictures are tiny: the software one takes seconds where a GPU takes milliseconds.
 */
const proven = process.env.IQPIR_TEST_WEBGPU === '1';
if (!proven)
  console.warn('WebGPU is not tried: IQPIR_TEST_WEBGPU=1 says that this machine has an adapter (.ci/run does).');

/** ms; the software adapter compiles every kernel of a network anew for each shape. */
const patience = 300_000;

let registry: RegisteredModel[];
beforeAll(async () => {
  registry = await loadRegistry([join(findInstallation().root, 'models', 'registry.json')]);
});

async function restoredOn(device: Device, image: Image): Promise<Image> {
  const session = await openSession(findModel(registry, 'iqpir-photo', 'restore'), { device, threads: 2 });
  onTestFinished(() => session.close());
  return (await restoreImage(session, image, {})).image;
}

async function scoreOn(device: Device, image: Image): Promise<number> {
  const session = await openSession(findModel(registry, 'iqa-photo', 'assess'), { device, threads: 2 });
  onTestFinished(() => session.close());
  return (await learnedScore(image, session)).value;
}

describe.skipIf(!proven)('on WebGPU', { timeout: patience }, () => {
  test('a picture comes out as on the CPU, within 1/255', async () => {
    const image = photoLike(48, 40);
    const [found, expected] = [await restoredOn('webgpu', image), await restoredOn('cpu', image)];
    const apart = Math.max(...found.pixels.map((value, index) => Math.abs(value - (expected.pixels[index] ?? 0))));
    expect(apart).toBeLessThanOrEqual(1);
    expect(found.pixels).toHaveLength(48 * 40 * 3);
  });

  test('a picture scores as on the CPU', async () => {
    const image = photoLike(96, 64);
    expect(await scoreOn('webgpu', image)).toBeCloseTo(await scoreOn('cpu', image), 3);
  });

  test('the command restores, and the record names the device', async () => {
    const folder = await temporaryFolder();
    const picture = await writeSmall(folder);
    const options = ['--device', 'webgpu', '--deliver', 'always', '--quiet'];
    const { code, stderr } = await iqpir(['restore', picture, '-o', join(folder, 'out'), ...options]);
    expect(code, stderr).toBe(0);
    const record = JSON.parse(await readFile(join(folder, 'out', 'records', 'small.png.json'), 'utf8'));
    expect(record).toMatchObject({ status: 'succeeded', device: 'webgpu', result: { width: 32, height: 27 } });
  });

  test('a model with a node that WebGPU lacks is refused, instead of computing that node on the CPU', async () => {
    // SpaceToDepth, in onnxruntime 1.30.
    const opening = openSession(fixtureModel('local'), { device: 'webgpu', threads: 1 });
    await expect(opening).rejects.toMatchObject({
      code: 'device-unavailable',
      message: expect.stringContaining('CPU'),
    });
  });
});

// Elsewhere adapters come without Vulkan, and nothing could hide them.
test.runIf(process.platform === 'linux')(
  'without an adapter WebGPU is an error that says so, never the CPU',
  async () => {
    const folder = await temporaryFolder();
    const picture = await writeSmall(folder);
    const out = join(folder, 'out');
    const noDriver = { VK_ICD_FILENAMES: join(folder, 'none.json'), VK_DRIVER_FILES: join(folder, 'none.json') };
    const { code, stderr } = await iqpir(['restore', picture, '-o', out, '--device', 'webgpu'], { env: noDriver });
    expect(code, stderr).toBe(2);
    expect(stderr).toContain('device-unavailable');
    expect(stderr).toContain('"webgpu"');
    await expect(readFile(join(out, 'small.png'))).rejects.toMatchObject({ code: 'ENOENT' });
  },
);

async function writeSmall(folder: string): Promise<string> {
  const path = join(folder, 'small.png');
  const { width, height, channels, pixels } = photoLike(32, 27);
  await sharp(pixels, { raw: { width, height, channels } }).png().toFile(path);
  return path;
}

async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'iqpir-webgpu-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  return folder;
}
