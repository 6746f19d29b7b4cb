import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { RestorationRecord } from '../../functions/lib/contracts/record.ts';
import { type Ended, iqpir, root } from '../support/cli.ts';

/** ms; README promises three minutes on two cores, which here other tests share. */
const patience = 400_000;

let folder: string;
let bucket: string;
let expected: Record<string, string>;
let first: Ended;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'iqpir-start-'));
  bucket = join(folder, 'bucket');
  expected = JSON.parse(await readFile(join(root, 'samples', 'expected.json'), 'utf8'));
  first = await iqpir(['start'], { cwd: folder });
}, patience);
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('npm start', () => {
  test('is the command that is tried here', async () => {
    const { scripts } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'));
    expect(scripts.start).toBe('node functions/local/bin.mjs start');
  });

  test('ends with 0, and every sample as expected', async () => {
    expect(first.code, first.stderr).toBe(0);
    const ended = await Promise.all(
      Object.keys(expected).map(async (name) => [name, (await record(name)).status] as const),
    );
    expect(Object.fromEntries(ended)).toEqual(expected);
  });

  test('delivers a result for every sample but the broken one, with the bytes that its record names', async () => {
    for (const [name, status] of Object.entries(expected)) {
      const made = await record(name);
      if (made.status === 'failed') {
        expect(status).toBe('failed');
        expect(made.error).toMatchObject({ fault: 'input', message: expect.stringContaining('Expected') });
        expect(existsSync(join(bucket, 'results', name))).toBe(false);
      } else {
        expect(await sha256(join(bucket, made.result.key))).toBe(made.result.sha256);
      }
    }
  });

  test('says where results, records and the report are, and the report lies there', () => {
    const page = /Before and after: (.+)/.exec(first.stderr)?.[1] ?? '';
    expect(existsSync(page), page).toBe(true);
    for (const place of ['results', 'records']) expect(first.stderr).toContain(join(bucket, place));
  });

  test('started again does nothing twice', { timeout: patience }, async () => {
    const before = await recordHashes();
    const { code, stderr } = await iqpir(['start'], { cwd: folder });
    expect(code, stderr).toBe(0);
    expect(await recordHashes()).toEqual(before);
  });
});

async function record(name: string): Promise<RestorationRecord> {
  return RestorationRecord.parse(JSON.parse(await readFile(join(bucket, 'records', `${name}.json`), 'utf8')));
}

async function recordHashes(): Promise<Record<string, string>> {
  const names = await readdir(join(bucket, 'records'));
  return Object.fromEntries(
    await Promise.all(names.map(async (name) => [name, await sha256(join(bucket, 'records', name))])),
  );
}

async function sha256(path: string): Promise<string> {
  return createHash('sha256')
    .update(await readFile(path))
    .digest('hex');
}
