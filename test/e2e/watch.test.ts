import type { ChildProcess } from 'node:child_process';
import { appendFile, mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { RestorationRecord } from '../../functions/lib/contracts/record.ts';
import { start } from '../support/cli.ts';

let bucket: string;
let watching: ChildProcess | undefined;

beforeEach(async () => {
  bucket = await mkdtemp(join(tmpdir(), 'watch-'));
  await mkdir(join(bucket, 'uploads'));
});
afterEach(async () => {
  if (watching && watching.exitCode === null) watching.kill('SIGKILL');
  await rm(bucket, { recursive: true });
});

const soon = { timeout: 40_000, interval: 100 };

async function watch(): Promise<void> {
  const child = start(['watch', bucket]);
  watching = child;
  let said = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    said += chunk;
  });
  await vi.waitFor(() => expect(said).toContain('Watching'), soon);
}

async function picture(seed: number, size = 96): Promise<Buffer> {
  const pixels = Buffer.alloc(size * size * 3);
  for (let at = 0; at < pixels.length; at++) pixels[at] = 128 + 100 * Math.sin(at / (40 + seed)) + ((at * 7919) % 23);
  return sharp(pixels, { raw: { width: size, height: size, channels: 3 } })
    .jpeg({ quality: 30 })
    .toBuffer();
}

async function record(name: string) {
  const text = await readFile(join(bucket, 'records', `${name}.json`), 'utf8');
  return RestorationRecord.parse(JSON.parse(text));
}

describe('iqpir watch', () => {
  it('restores what is dropped in, waits for half-written files, and takes a change for a new version', async () => {
    await watch();
    const bytes = await picture(1);
    await writeFile(join(bucket, 'uploads', 'a.jpg'), bytes.subarray(0, 700));
    await new Promise((resolve) => setTimeout(resolve, 500));
    await appendFile(join(bucket, 'uploads', 'a.jpg'), bytes.subarray(700));
    const first = await vi.waitFor(() => record('a.jpg'), soon);
    expect(first.status).not.toBe('failed');
    if (first.status !== 'failed') expect((await stat(join(bucket, first.result.key))).size).toBe(first.result.size);

    await writeFile(join(bucket, 'uploads', 'a.jpg'), await picture(2));
    await vi.waitFor(async () => expect((await record('a.jpg')).source.version).not.toBe(first.source.version), soon);
  });

  it('picks up after a restart what came in between, and does not repeat the rest', async () => {
    await writeFile(join(bucket, 'uploads', 'a.jpg'), await picture(1));
    await watch();
    const first = await vi.waitFor(() => record('a.jpg'), soon);
    watching?.kill('SIGINT');
    await vi.waitFor(() => expect(watching?.exitCode).toBe(130), soon);

    await mkdir(join(bucket, 'uploads', 'later'));
    await writeFile(join(bucket, 'uploads', 'later', 'b.jpg'), await picture(3));
    await watch();
    await vi.waitFor(() => record('later/b.jpg'), soon);
    expect(await record('a.jpg')).toEqual(first);
  });
});
