import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ModelCard } from '../../functions/lib/contracts/model-card.ts';
import { RestorationRecord } from '../../functions/lib/contracts/record.ts';
import { installedFor, loadRegistry } from '../../functions/lib/inference/registry.ts';
import { iqpir, root } from '../support/cli.ts';
import { fixtureModel } from '../support/model-cards.ts';
import { manifestOver, startShare } from '../support/run-share.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const shipped = await loadRegistry([join(root, 'models', 'registry.json')]);
const hasDetector = installedFor(shipped, 'detect-faces').length > 0;
if (!hasDetector) {
  console.warn(
    'Faces were NOT tested: the optional package with the face detector is not installed (npm ci installs it).',
  );
}

const portrait = join(root, 'test', 'fixtures', 'faces', 'astronaut.jpg');
/** Takes every face that is the same one: what the small model makes of it is no better by the real judge. */
const decision = { assess: 'iqa-photo', good: 2, margin: -1 };

/** A folder of a user's own models with a small face restorer in it. */
async function installPolish(home: string, changes: Partial<ModelCard> = {}): Promise<void> {
  const { card, path } = fixtureModel('polish', { id: 'my-faces', file: 'polish.onnx', decision });
  await mkdir(home, { recursive: true });
  await copyFile(path, join(home, 'polish.onnx'));
  const registry = { version: 1, models: [{ ...card, ...changes }] };
  await writeFile(join(home, 'registry.json'), JSON.stringify(registry));
}

const readRecord = async (path: string) => {
  const record = RestorationRecord.parse(JSON.parse(await readFile(path, 'utf8')));
  if (record.status === 'failed') throw new Error(record.error.message);
  return record;
};

describe.skipIf(!hasDetector)('a photograph of a face, with a face model of one’s own', { timeout: 240_000 }, () => {
  let folder: string;
  let dispose: () => Promise<void>;
  let soft: Buffer;
  beforeAll(async () => {
    ({ path: folder, dispose } = await temporaryFolder());
    await mkdir(join(folder, 'in'));
    // Half the size: the whole picture takes half a minute on a busy machine.
    soft = await sharp(portrait).extract({ left: 96, top: 16, width: 256, height: 256 }).blur(1.5).jpeg().toBuffer();
    await writeFile(join(folder, 'in', 'portrait.jpg'), soft);
  });
  afterAll(() => dispose());

  it('is restored by the command, its face too; table, record and report say so', async () => {
    await installPolish(join(folder, 'data', 'iqpir'));
    const env = { XDG_DATA_HOME: join(folder, 'data') };
    const out = join(folder, 'out');
    const { code, stderr } = await iqpir(
      ['restore', join(folder, 'in'), '-o', out, '--deliver', 'always', '--report'],
      { env },
    );
    expect(code, stderr).toBe(0);
    expect(stderr).toMatch(/faces/);
    expect(stderr).toMatch(/1 of 1/);
    const record = await readRecord(join(out, 'records', 'portrait.jpg.json'));
    expect(record.faces?.map(({ status }) => status)).toEqual(['restored']);
    expect(record.models.map(({ id }) => id)).toContain('my-faces');
    const page = await readFile(join(out, 'report.html'), 'utf8');
    expect(page).toMatch(/data-x="0\.\d+" data-y="0\.\d+" data-at="2">Face 1: restored/);

    const without = join(folder, 'without');
    const off = await iqpir(['restore', join(folder, 'in'), '-o', without, '--deliver', 'always', '--faces', 'off'], {
      env,
    });
    expect(off.code, off.stderr).toBe(0);
    const plain = await readRecord(join(without, 'records', 'portrait.jpg.json'));
    expect(plain.faceTreatment?.reason).toBe('off');
    expect(plain.result.sha256).not.toBe(record.result.sha256);
  });

  it('is restored by the container’s program, with the models of the results bucket', async () => {
    const [uploads, results] = [join(folder, 'uploads'), join(folder, 'results')];
    await mkdir(uploads);
    await writeFile(join(uploads, 'portrait.jpg'), soft);
    await installPolish(join(results, 'models'));
    const key = await manifestOver(uploads, results, ['portrait.jpg'], { deliver: 'always' });
    const { code } = await startShare(uploads, results, key, { IQPIR_USER_MODELS: 'true' }).ended;
    expect(code).toBe(0);
    const record = await readRecord(join(results, 'records', 'portrait.jpg.json'));
    expect(record.faces?.map(({ status }) => status)).toEqual(['restored']);
    expect(record.faceTreatment).toMatchObject({ as: 'faces', reason: 'restored' });
  });
});

describe('iqpir restore --scale', { timeout: 120_000 }, () => {
  it('enlarges twofold, in the limits of the result, and takes no other factor', async () => {
    const { path: folder, dispose } = await temporaryFolder();
    try {
      const small = join(folder, 'small.jpg');
      await sharp(portrait).extract({ left: 0, top: 0, width: 100, height: 80 }).toFile(small);
      const out = join(folder, 'out');
      const done = await iqpir(['restore', small, '-o', out, '--scale', '2', '--faces', 'off']);
      expect(done.code, done.stderr).toBe(0);
      const record = await readRecord(join(out, 'records', 'small.jpg.json'));
      expect(record).toMatchObject({
        settings: { scale: 2 },
        result: { width: 200, height: 160 },
        image: { width: 100 },
      });
      expect((await sharp(join(out, 'small.jpg')).metadata()).width).toBe(200);

      const over = await iqpir(['restore', small, '-o', join(folder, 'over'), '--scale', '2', '--max-pixels', '31999']);
      expect(over.stderr).toContain('failed: too-many-pixels');
      const refused = await iqpir(['restore', small, '-o', out, '--scale', '3']);
      expect(refused.stderr).toContain('Expected --scale 1 or 2, but 3 came.');
      expect(refused.code).toBe(2);
    } finally {
      await dispose();
    }
  });
});
