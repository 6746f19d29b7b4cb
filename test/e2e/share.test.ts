import { once } from 'node:events';
import { copyFile, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { RestorationRecord } from '../../functions/lib/contracts/record.ts';
import { fixtureModel } from '../support/model-cards.ts';
import { photoJpeg } from '../support/pictures.ts';
import { manifestOver, startShare } from '../support/run-share.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

let uploads: string;
let results: string;
let dispose: () => Promise<void>;
beforeEach(async () => {
  const folder = await temporaryFolder();
  dispose = folder.dispose;
  uploads = join(folder.path, 'uploads');
  results = join(folder.path, 'results');
  await mkdir(uploads);
  await writeFile(join(uploads, 'a.jpg'), await photoJpeg(96, 64));
  await writeFile(join(uploads, 'text.jpg'), 'no picture');
});
afterEach(() => dispose());

const manifest = (asked = {}, names = ['a.jpg', 'text.jpg']) => manifestOver(uploads, results, names, asked);
const run = (key: string, env: NodeJS.ProcessEnv = {}) => startShare(uploads, results, key, env).ended;
const recordOf = async (name: string) =>
  RestorationRecord.parse(JSON.parse(await readFile(join(results, 'records', `${name}.json`), 'utf8')));

/** Real models in real processes: minutes on a busy machine. */
describe('the container’s program', { timeout: 180_000 }, () => {
  it('ends with 0 when every picture has its record, failed ones included, and says what became of each', async () => {
    const { code, lines } = await run(await manifest());
    expect(code).toBe(0);
    expect((await recordOf('a.jpg')).status).not.toBe('failed');
    expect(await recordOf('text.jpg')).toMatchObject({ error: { code: 'unsupported-format' } });
    expect(
      lines
        .filter(({ key }) => key)
        .map(({ key }) => key)
        .sort(),
    ).toEqual(['a.jpg', 'text.jpg']);
    expect(lines.at(-1)).toMatchObject({ level: 'info', exitCode: 0 });
  });

  it.each([
    ['a manifest that vanished', {}, async (key: string) => rm(join(results, key)), 'invalid-manifest'],
    ['a manifest that is none', {}, async (key: string) => writeFile(join(results, key), '{}'), 'invalid-manifest'],
    ['a child beyond the manifest', { AWS_BATCH_JOB_ARRAY_INDEX: '1' }, async () => {}, 'invalid-manifest'],
    ['a device that is not there', { IQPIR_DEVICE: 'cuda' }, async () => {}, 'device-unavailable'],
    ['an environment that is wrong', { IQPIR_DEVICE: 'abacus' }, async () => {}, 'invalid-configuration'],
  ] as const)('ends with 2 for %s, without a record', async (_, env, change, code) => {
    const key = await manifest();
    await change(key);
    const ended = await run(key, env);
    expect(ended.lines.at(-1)).toMatchObject({ level: 'error', exitCode: 2, code });
    expect(ended.code).toBe(2);
    await expect(recordOf('a.jpg')).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('hands back what is at work when it is told to stop, without a record, and ends with 75', async () => {
    await writeFile(join(uploads, 'large.jpg'), await photoJpeg(2400, 1800));
    const key = await manifest({ deliver: 'always' }, ['text.jpg', 'large.jpg']);
    const { child, ended } = startShare(uploads, results, key);
    // The failed text is settled at once; by then the large picture is at work.
    for await (const [chunk] of onData(child.stdout)) if (String(chunk).includes('picture failed')) break;
    const asked = performance.now();
    child.kill('SIGTERM');
    const { code, lines } = await ended;
    expect(performance.now() - asked).toBeLessThan(30_000);
    expect(code).toBe(75);
    expect(lines).toContainEqual(expect.objectContaining({ key: 'large.jpg', code: 'interrupted' }));
    await expect(recordOf('large.jpg')).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('runs a model that a user put into the results bucket, and refuses one that is not what its card says', async () => {
    const decision = { assess: 'iqa-photo', good: 2, margin: 0 };
    const { card, path } = fixtureModel('identity', { id: 'mine', file: 'mine/mine.onnx', decision });
    await mkdir(join(results, 'models', 'mine'), { recursive: true });
    await copyFile(path, join(results, 'models', 'mine', 'mine.onnx'));
    const registry = (changes = {}) =>
      writeFile(
        join(results, 'models', 'registry.json'),
        JSON.stringify({ version: 1, models: [{ ...card, ...changes }] }),
      );
    await registry();
    const key = await manifest({ model: 'mine', deliver: 'always' }, ['a.jpg']);
    expect((await run(key)).lines.at(-1)).toMatchObject({ exitCode: 2, code: 'model-not-found' });
    expect((await run(key, { IQPIR_USER_MODELS: 'true' })).code).toBe(0);
    expect(await recordOf('a.jpg')).toMatchObject({
      status: 'succeeded',
      models: [{ id: 'mine' }, { id: 'iqa-photo' }],
    });
    await registry({ sha256: '0'.repeat(64) });
    const refused = await run(key, { IQPIR_USER_MODELS: 'true' });
    expect(refused.lines.at(-1)).toMatchObject({ exitCode: 2, code: 'model-mismatch' });
  });
});

async function* onData(stream: NodeJS.ReadableStream | null): AsyncGenerator<unknown[]> {
  while (stream) yield once(stream, 'data');
}
