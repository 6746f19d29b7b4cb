import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ended, iqpir, start } from '../support/cli.ts';
import { photoLike } from '../support/generated-pictures.ts';

const pictures = 6;
let folder: string;
let input: string;
let output: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'interrupt-'));
  [input, output] = [folder, join(folder, 'out')];
  for (let seed = 0; seed < pictures; seed++) {
    const { width, height, channels, pixels } = photoLike(480, 320, { seed });
    const path = join(folder, `p${seed}.jpg`);
    await sharp(pixels, { raw: { width, height, channels } }).jpeg({ quality: 40 }).toFile(path);
  }
});
afterAll(() => rm(folder, { recursive: true }));

const records = async () =>
  (await readdir(join(output, 'records')).catch(() => [])).filter((name) => name.endsWith('.json'));

describe('Ctrl-C', () => {
  it('hands back the picture at work, ends with 130, and the next run does the rest', {
    timeout: 240_000,
  }, async () => {
    const args = ['restore', input, '-o', output, '--deliver', 'always'];
    const child = start(args);
    const end = ended(child);
    while ((await records()).length === 0 && child.exitCode === null) await pause(20);
    child.kill('SIGINT');
    const { code, stderr } = await end;
    expect(code, stderr).toBe(130);
    expect(stderr).toContain('Run again to go on');
    const before = (await records()).length;
    expect(before).toBeLessThan(pictures);

    const again = await iqpir(args);
    expect(again.code, again.stderr).toBe(0);
    expect(again.stderr).toContain(`${before} of them done before`);
    expect(await records()).toHaveLength(pictures);
  });
});
