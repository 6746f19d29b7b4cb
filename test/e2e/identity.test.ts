import { execFile } from 'node:child_process';
import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readIndex } from '../../bench/face-pictures.ts';
import { RestorationRecord } from '../../functions/lib/contracts/record.ts';
import { distanceBetween, type Embedding, embedFace } from '../../functions/lib/faces/embed.ts';
import { decode } from '../../functions/lib/imaging/codec.ts';
import { findModel, loadRegistry } from '../../functions/lib/inference/registry.ts';
import { openSession, type Session } from '../../functions/lib/inference/session.ts';
import { iqpir } from '../support/cli.ts';
import { fixtureModel } from '../support/model-cards.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

/** A folder with portraits of 512 x 512 px and `index.csv`: of `kind` face, each with its `person`. None come with the repository. */
const portraits = process.env.IQPIR_TEST_PORTRAITS;
if (!portraits) {
  console.warn('SKIPPED: the identity of two people. IQPIR_TEST_PORTRAITS names no folder with portraits.');
}

describe.skipIf(!portraits)('two people in one photograph, with a model that tells people apart', () => {
  const side = 512;
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let picture: string;
  let embedder: Session;

  beforeAll(async () => {
    folder = await temporaryFolder();
    const carrier = '@vladmandic/face-api';
    const fetch = ['install', '--prefix', folder.path, '--ignore-scripts', '--no-audit', '--no-fund'];
    await promisify(execFile)('npm', [...fetch, `${carrier}@1.7.15`]);
    for (const name of ['polish', 'stranger']) {
      const imported = await iqpir(
        ['models', 'import-dlib-face', join(folder.path, 'node_modules', carrier)],
        of(name),
      );
      expect(imported.code, imported.stderr).toBe(0);
      await addFaceModel(name as 'polish' | 'stranger');
    }
    embedder = await openSession(
      findModel(await loadRegistry([join(homeOf('polish'), 'iqpir', 'registry.json')]), 'dlib-face', 'embed-face'),
      { device: 'cpu', threads: 1 },
    );
    picture = join(folder.path, 'both.png');
    const [one, , , other] = await firstPortraits(4);
    const layers = [one, other].map((input, index) => ({ input: input ?? '', left: index * side, top: 0 }));
    const canvas = sharp({ create: { width: 2 * side, height: side, channels: 3, background: 'gray' } });
    await sharp(await canvas.composite(layers).png().toBuffer())
      .blur(1.5)
      .removeAlpha()
      .toFile(picture);
  }, 300_000);
  afterAll(async () => {
    await embedder?.close();
    await folder?.dispose();
  });

  const homeOf = (name: string) => join(folder.path, name);
  const of = (name: string) => ({ env: { XDG_DATA_HOME: homeOf(name) } });

  /** Takes every face that is the same one: what a drawn model makes of it is no better by the real judge. */
  async function addFaceModel(name: 'polish' | 'stranger'): Promise<void> {
    const decision = { assess: 'iqa-photo', good: 2, margin: -1 };
    const { card, path } = fixtureModel(name, { file: `${name}.onnx`, decision });
    await mkdir(join(folder.path, `${name}-card`));
    await copyFile(path, join(folder.path, `${name}-card`, card.file));
    const written = join(folder.path, `${name}-card`, 'card.json');
    await writeFile(written, JSON.stringify(card));
    const added = await iqpir(['models', 'add', written], of(name));
    expect(added.code, added.stderr).toBe(0);
  }

  async function firstPortraits(count: number): Promise<string[]> {
    const faces = (await readIndex(portraits ?? '')).filter(({ kind }) => kind === 'face');
    return faces.slice(0, count).map(({ file }) => join(portraits ?? '', file));
  }

  async function restored(name: string) {
    const out = join(folder.path, `${name}-out`);
    const ended = await iqpir(['restore', picture, '-o', out, '--deliver', 'always'], of(name));
    expect(ended.code, ended.stderr).toBe(0);
    const record = RestorationRecord.parse(JSON.parse(await readFile(join(out, 'records', 'both.png.json'), 'utf8')));
    if (record.status === 'failed') throw new Error(record.error.message);
    return { faces: record.faces ?? [], path: join(out, 'both.png') };
  }

  async function embedded(path: string, faces: Awaited<ReturnType<typeof restored>>['faces']): Promise<Embedding[]> {
    const { colour } = await decode(await readFile(path), { maxPixels: 1e8 });
    const embeddings = faces.map(async ({ landmarks }) => {
      const inPixels = Object.entries(landmarks).map(([name, { x, y }]) => [
        name,
        { x: x * colour.width, y: y * colour.height },
      ]);
      return embedFace(colour, Object.fromEntries(inPixels), embedder);
    });
    return (await Promise.all(embeddings)).filter((one) => one !== undefined);
  }

  test('both keep their identity', { timeout: 120_000 }, async () => {
    const { faces, path } = await restored('polish');
    expect(faces.map(({ status }) => status)).toEqual(['restored', 'restored']);
    const bound = embedder.card.face?.distance ?? 0;
    const [before, after] = [await embedded(picture, faces), await embedded(path, faces)];
    expect(after).toHaveLength(2);
    for (const [index, face] of faces.entries()) {
      expect(face.identity?.distance).toBeLessThan(bound);
      for (const [whose, person] of before.entries()) {
        const distance = distanceBetween(person, after[index] as Embedding);
        if (whose === index) expect(distance).toBeLessThan(bound);
        else expect(distance).toBeGreaterThan(bound);
      }
    }
  });

  test('another face than theirs is not delivered, and the embedding says why', { timeout: 120_000 }, async () => {
    const { faces } = await restored('stranger');
    expect(faces.map(({ status }) => status)).toEqual(['identity-drift', 'identity-drift']);
    for (const { reason } of faces) expect(reason).toMatch(/Its embedding lies [\d.]+ from the source's/);
  });
});
