import { createHash } from 'node:crypto';
import { copyFile, mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RestorationRecord } from '../../functions/lib/contracts/record.ts';
import { iqpir, root } from '../support/cli.ts';

const samples = join(root, 'samples');
let folder: string;
let input: string;
let output: string;

/** A damaged sample, cut small: the pipeline takes the same way for a small picture, only faster. */
async function crop(sample: string, name: string) {
  const path = join(input, name);
  await mkdir(join(path, '..'), { recursive: true });
  await sharp(join(samples, sample))
    .rotate()
    .extract({ left: 100, top: 100, width: 320, height: 240 })
    .jpeg({ quality: 40 })
    .toFile(path);
}

async function record(name: string, at = output) {
  return RestorationRecord.parse(JSON.parse(await readFile(join(at, 'records', `${name}.json`), 'utf8')));
}

const sha256 = async (path: string) =>
  createHash('sha256')
    .update(await readFile(path))
    .digest('hex');

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'restore-'));
  input = join(folder, 'in');
  output = join(folder, 'out');
  await crop('pagoda.jpg', 'a.jpg');
  await crop('pagoda.jpg', 'sub dir/b+c%2B ü.jpg');
  await copyFile(join(input, 'a.jpg'), join(input, 'lies.png'));
  await writeFile(join(input, 'text.jpg'), 'hello');
  await writeFile(join(input, 'notes.txt'), 'no picture');
});
afterAll(() => rm(folder, { recursive: true }));

describe('iqpir restore', () => {
  it('restores a folder: structure kept, a record each, failures told, originals untouched', async () => {
    const before = await sha256(join(input, 'a.jpg'));
    const { code, stdout, stderr } = await iqpir(['restore', input, '-o', output, '--json', '--report']);
    expect(code, stderr).toBe(1);
    const records = stdout
      .trim()
      .split('\n')
      .map((line) => RestorationRecord.parse(JSON.parse(line)));
    expect(records.map(({ source }) => source.key).sort()).toEqual([
      'a.jpg',
      'lies.png',
      'sub dir/b+c%2B ü.jpg',
      'text.jpg',
    ]);
    for (const made of records) {
      expect(await record(made.source.key)).toEqual(made);
      if (made.status !== 'failed') expect(await sha256(join(output, made.result.key))).toBe(made.result.sha256);
    }
    expect(await record('a.jpg')).toMatchObject({
      status: 'succeeded',
      decision: { delivered: 'restored', reason: 'better' },
      image: { format: 'jpeg', width: 320, height: 240 },
      tiles: 1,
      device: 'cpu',
    });
    expect(await record('text.jpg')).toMatchObject({
      status: 'failed',
      error: { code: 'unsupported-format', fault: 'input' },
    });
    expect(await sha256(join(input, 'a.jpg'))).toBe(before);
    expect((await stat(join(output, 'report.html'))).size).toBeGreaterThan(1000);
  });

  it('lets the content decide where a name lies, and says so', async () => {
    const made = await record('lies.png');
    expect(made).toMatchObject({ image: { format: 'jpeg' }, result: { key: 'lies.png', format: 'jpeg' } });
    expect(made.warnings.map(({ code }) => code)).toContain('misleading-name');
  });

  it('gives every score a metric, a range and a direction, before and after, and never one number alone', async () => {
    const made = await record('a.jpg');
    if (made.status === 'failed') throw new Error(made.error.message);
    expect(made.assessment.length).toBeGreaterThanOrEqual(4);
    expect(made.assessment[0]).toMatchObject({
      metric: 'iqa-photo',
      model: { id: 'iqa-photo' },
      direction: 'higher-is-better',
    });
    for (const { before, after } of made.assessment)
      expect([before, after]).toEqual([expect.any(Number), expect.any(Number)]);
    const learned = made.assessment[0];
    expect((learned?.after ?? 0) - (learned?.before ?? 0)).toBeGreaterThan(0);
    expect(made.models.map(({ sha256 }) => sha256)).toEqual([
      expect.stringMatching(/^[0-9a-f]{64}$/),
      expect.stringMatching(/^[0-9a-f]{64}$/),
    ]);
  });

  it('skips what is done, and says so', async () => {
    const before = await sha256(join(output, 'records', 'a.jpg.json'));
    const { code, stderr } = await iqpir(['restore', input, '-o', output]);
    expect(code).toBe(1);
    expect(stderr).toContain('4 of them done before');
    expect(await sha256(join(output, 'records', 'a.jpg.json'))).toBe(before);
  });

  it('skips what was done with other settings, until told to overwrite it', async () => {
    const one = [join(input, 'a.jpg'), '-o', output];
    const skipped = await iqpir(['restore', ...one, '--score', '0.5']);
    expect(skipped.stderr).toContain('--overwrite redoes them');
    expect(skipped.code).toBe(0);
    const { code } = await iqpir(['restore', ...one, '--format', 'png', '--overwrite']);
    expect(code).toBe(0);
    expect(await record('a.jpg')).toMatchObject({
      result: { key: 'a.png', format: 'png' },
      settings: { format: 'png' },
    });
    await expect(stat(join(output, 'a.jpg'))).rejects.toThrow();
  });

  it('makes the same bytes again', async () => {
    const again = join(folder, 'again');
    await iqpir(['restore', join(input, 'lies.png'), '-o', again]);
    expect(await sha256(join(again, 'lies.png'))).toBe(await sha256(join(output, 'lies.png')));
  });

  it("delivers a good picture's own bytes, or the same pixels without the metadata that shall go", async () => {
    const expected: Record<string, string> = JSON.parse(await readFile(join(samples, 'expected.json'), 'utf8'));
    const good = Object.keys(expected).find((name) => expected[name] === 'unchanged') ?? '';
    const kept = join(folder, 'kept');
    await iqpir(['restore', join(samples, good), '-o', kept]);
    expect(await record(good, kept)).toMatchObject({
      status: 'unchanged',
      decision: { delivered: 'original', reason: 'already-good' },
    });
    expect(await sha256(join(kept, good))).toBe(await sha256(join(samples, good)));

    const located = join(folder, 'located.jpg');
    await sharp(join(samples, good))
      .withExif({ IFD3: { GPSLatitudeRef: 'N', GPSLatitude: '51/1 30/1 0/1' } })
      .jpeg({ quality: 98 })
      .toFile(located);
    expect((await readFile(located)).includes('Exif')).toBe(true);
    const stripped = join(folder, 'stripped');
    await iqpir(['restore', located, '-o', stripped, '--metadata', 'none']);
    expect(await record('located.jpg', stripped)).toMatchObject({ status: 'unchanged' });
    expect((await sharp(join(stripped, 'located.jpg')).metadata()).exif).toBeUndefined();
  });

  it('foresees what it would do, and writes nothing', async () => {
    const nowhere = join(folder, 'nowhere');
    const { code, stdout } = await iqpir(['restore', input, '-o', nowhere, '--dry-run']);
    expect(code).toBe(0);
    expect(stdout).toContain('320 x 240');
    expect(stdout).toContain('failed: unsupported-format');
    await expect(stat(nowhere)).rejects.toThrow();
  });

  it.each([
    ['a missing input', ['restore', '/nowhere/at/all', '-o', 'OUT']],
    ['a missing output', ['restore', 'IN']],
    ['an output that is the input', ['restore', 'IN', '-o', 'IN']],
    ['a score beyond the scale', ['restore', 'IN', '-o', 'OUT', '--score', '1.5']],
    ['an unknown format', ['restore', 'IN', '-o', 'OUT', '--format', 'bmp']],
    ['an unknown model', ['restore', 'IN', '-o', 'OUT', '--model', 'nonesuch']],
    ['a device that is not there', ['restore', 'IN', '-o', 'OUT', '--device', 'cuda']],
    ['an unknown command', ['improve', 'IN']],
  ])('ends with 2 and a reason on %s', async (_, args) => {
    const nowhere = join(folder, 'nothing');
    const { code, stdout, stderr } = await iqpir(
      args.map((arg) => arg.replace(/^IN$/, input).replace(/^OUT$/, nowhere)),
    );
    expect(code).toBe(2);
    expect(stdout).toBe('');
    expect(stderr).toMatch(/Expected|error:/);
    await expect(stat(nowhere)).rejects.toThrow();
  });
});

describe('iqpir assess', () => {
  it('shows a table, or a line of JSON or CSV a picture, and ends with 1 where one cannot be read', async () => {
    const table = await iqpir(['assess', input]);
    expect(table.code).toBe(1);
    expect(table.stdout).toContain('iqa-photo');
    const { stdout } = await iqpir(['assess', join(input, 'a.jpg'), '--json']);
    expect(JSON.parse(stdout)).toMatchObject({
      file: 'a.jpg',
      width: 320,
      scores: expect.arrayContaining([expect.objectContaining({ metric: 'sharpness' })]),
    });
    const csv = await iqpir(['assess', join(input, 'a.jpg'), '--csv']);
    expect(csv.stdout.split('\n')[0]).toMatch(/^file,width,height,iqa-photo,sharpness/);
    expect(csv.code).toBe(0);
  });
});

describe('iqpir models', () => {
  it('lists, shows and verifies the shipped models', async () => {
    expect((await iqpir(['models', 'list'])).stdout).toContain('iqpir-photo');
    expect(JSON.parse((await iqpir(['models', 'show', 'iqpir-photo'])).stdout)).toMatchObject({ task: 'restore' });
    const verified = await iqpir(['models', 'verify']);
    expect(verified.code).toBe(0);
    expect(verified.stdout).toMatch(/iqa-photo: ok/);
  });

  it("adds a user's own model, and refuses one whose file is not what its card says", async () => {
    const env = { XDG_DATA_HOME: join(folder, 'data') };
    const shipped = JSON.parse((await iqpir(['models', 'show', 'iqpir-photo'])).stdout);
    const card = join(folder, 'card.json');
    await copyFile(join(root, 'models', shipped.file), join(folder, 'own.onnx'));
    await writeFile(card, JSON.stringify({ ...shipped, id: 'own', file: 'own.onnx' }));
    const added = await iqpir(['models', 'add', card], { env });
    expect(added.code, added.stderr).toBe(0);
    expect((await iqpir(['models', 'list'], { env })).stdout).toContain('own');
    expect(
      (
        await iqpir(['restore', join(input, 'a.jpg'), '-o', join(folder, 'own-out'), '--model', 'own', '--quiet'], {
          env,
        })
      ).code,
    ).toBe(0);

    expect((await iqpir(['models', 'add', card], { env })).stderr).toContain('"own" is taken');
    await writeFile(card, JSON.stringify({ ...shipped, id: 'other', file: 'own.onnx', sha256: '0'.repeat(64) }));
    const refused = await iqpir(['models', 'add', card], { env });
    expect(refused.code).toBe(2);
    expect(refused.stderr).toContain('sha256');
  });
});
