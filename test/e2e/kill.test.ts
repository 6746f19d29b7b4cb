import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { RestorationRecord } from '../../functions/lib/contracts/record.ts';
import { iqpir, root } from '../support/cli.ts';
import { photoLike } from '../support/generated-pictures.ts';

const pictures = 8;
/** The run is killed so many ms after so many records lie there: at once, and somewhere in the next picture. */
const kills = [
  { records: 1, after: 0 },
  { records: 2, after: 60 },
  { records: 4, after: 150 },
  { records: 5, after: 0 },
];

let folder: string;
let output: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'iqpir-kill-'));
  output = join(folder, 'out');
  await mkdir(join(folder, 'in', 'sub'), { recursive: true });
  for (let seed = 1; seed <= pictures; seed++) {
    const { width, height, channels, pixels } = photoLike(360, 240, { seed });
    const path = join(folder, 'in', seed % 2 ? 'sub' : '.', `p${seed}.jpg`);
    await sharp(pixels, { raw: { width, height, channels } }).jpeg({ quality: 40 }).toFile(path);
  }
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('a run killed with kill -9 in the middle, again and again, and started once more', () => {
  test('leaves one record and one result of each picture, does none twice, and nothing else', {
    timeout: 300_000,
  }, async () => {
    for (const { records, after } of kills) {
      const finished = await hashes(join(output, 'records'));
      const killed = await killWhen(async () => (await files(join(output, 'records'))).length >= records, after);
      expect(killed, 'the run was killed, it did not end').toBe(true);
      expect(await hashes(join(output, 'records'))).toMatchObject(finished);
    }
    const finished = await hashes(output);
    const before = Object.keys(finished).filter((path) => path.startsWith('records/'));
    expect(before.length).toBeGreaterThanOrEqual(1);
    expect(before.length).toBeLessThan(pictures);

    const { code, stderr } = await iqpir([
      'restore',
      join(folder, 'in'),
      '-o',
      output,
      '--deliver',
      'always',
      '--quiet',
    ]);
    expect(code, stderr).toBe(0);

    const inputs = await files(join(folder, 'in'));
    const left = (await files(output)).filter((path) => !path.startsWith('.iqpir/'));
    expect(left.sort()).toEqual([...inputs, ...inputs.map((path) => `records/${path}.json`)].sort());
    const after = await hashes(output);
    // A finished record is not written again; a result whose record is missing may be, with the same bytes.
    expect(after).toMatchObject(Object.fromEntries(before.map((path) => [path, finished[path]])));
    for (const path of inputs) {
      const record = RestorationRecord.parse(
        JSON.parse(await readFile(join(output, 'records', `${path}.json`), 'utf8')),
      );
      expect(record).toMatchObject({ status: 'succeeded', source: { key: path }, result: { sha256: after[path] } });
    }
  });

  test('has no unfinished files and no locks among its own papers', async () => {
    const papers = (await files(join(output, '.iqpir'))).filter((path) => /lock|tmp|staged|manifest/.test(path));
    expect(papers).toEqual([]);
  });
});

/** Runs the command until something holds and so many ms longer, and kills its whole process group. @returns false where it ended before */
async function killWhen(holds: () => Promise<boolean>, after: number): Promise<boolean> {
  const command = join(root, 'functions', 'local', 'bin.mjs');
  const args = [command, 'restore', join(folder, 'in'), '-o', output, '--deliver', 'always', '--quiet'];
  const child = spawn(process.execPath, args, { detached: true, stdio: 'ignore' });
  const ended = once(child, 'exit');
  while (child.exitCode === null && !(await holds())) await pause(10);
  await pause(after);
  if (child.exitCode !== null || child.pid === undefined) return false;
  process.kill(-child.pid, 'SIGKILL');
  await ended;
  return child.signalCode === 'SIGKILL';
}

/** Paths of all files below a folder, relative to it, with slashes. */
async function files(at: string): Promise<string[]> {
  if (!existsSync(at)) return [];
  const entries = await readdir(at, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) =>
      join(entry.parentPath, entry.name)
        .slice(at.length + 1)
        .replaceAll('\\', '/'),
    );
}

async function hashes(at: string): Promise<Record<string, string>> {
  const found = (await files(at)).filter((path) => !path.startsWith('.iqpir/'));
  const pairs = found.map(async (path) => [
    path,
    createHash('sha256')
      .update(await readFile(join(at, path)))
      .digest('hex'),
  ]);
  return Object.fromEntries(await Promise.all(pairs));
}
