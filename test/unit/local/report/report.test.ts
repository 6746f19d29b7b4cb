import { readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { RestorationRecord } from '../../../../functions/lib/contracts/record.ts';
import { writeReport } from '../../../../functions/local/report/report.ts';
import { photoJpeg } from '../../../support/pictures.ts';
import { putFailed, putRestored, scores, sha256 } from '../../../support/report-records.ts';
import { temporaryFolder } from '../../../support/temporary-folder.ts';

let bucket: string;
let dispose: () => Promise<void>;
let asked: string[];

beforeEach(async () => {
  ({ path: bucket, dispose } = await temporaryFolder());
  asked = [];
});
afterEach(() => dispose());

function write(records: RestorationRecord[]): Promise<string> {
  const read = (key: string) => {
    asked.push(key);
    return readFile(join(bucket, key)).catch(() => undefined);
  };
  return writeReport({
    records,
    source: (record) => read(record.source.key),
    result: async (record) => (record.status === 'failed' ? undefined : read(record.result.key)),
    directory: bucket,
    title: 'A <test>',
    software: 'iqpir-restore 0.1.0',
  });
}

async function restored(name: string, quality = 30, size = { width: 320, height: 240 }) {
  const source = await photoJpeg(size.width, size.height, { quality });
  const result = await photoJpeg(size.width, size.height, { quality: 95 });
  return putRestored(bucket, name, { source, result, ...size });
}

const previews = async () => (await readdir(join(bucket, 'report'))).sort();

describe('writeReport', () => {
  it('writes the page, and beside it previews of the source and of the result, and a thumbnail of the result', async () => {
    const page = await write([await restored('large.jpg', 30, { width: 1600, height: 800 })]);
    expect(page).toBe(join(bucket, 'report.html'));
    const names = await previews();
    expect(names.map((name) => name.replace(/^[0-9a-f]{32}/, '')).sort()).toEqual([
      '-1280.webp',
      '-1280.webp',
      '-320.webp',
    ]);
    const sizes = await Promise.all(names.map((name) => sharp(join(bucket, 'report', name)).metadata()));
    expect(sizes.map(({ width, height }) => `${width} x ${height}`).sort()).toEqual([
      '1280 x 640',
      '1280 x 640',
      '320 x 160',
    ]);
    const html = await readFile(page, 'utf8');
    for (const name of names) expect(html).toContain(`report/${name}`);
  });

  it('never enlarges a small picture', async () => {
    await write([await restored('small.jpg', 30, { width: 120, height: 80 })]);
    for (const name of await previews()) {
      expect(await sharp(join(bucket, 'report', name)).metadata()).toMatchObject({ width: 120, height: 80 });
    }
  });

  it('reads no picture again whose previews are there, and makes those of a new one alone', async () => {
    const first = await restored('a.jpg');
    await write([first]);
    expect(asked.sort()).toEqual(['results/a.jpg', 'uploads/a.jpg']);
    const made = await Promise.all((await previews()).map((name) => stat(join(bucket, 'report', name))));
    asked = [];
    const second = await restored('b.jpg', 40);
    await write([first, second]);
    // Its result has the same bytes as the first one's.
    expect(asked).toEqual(['uploads/b.jpg']);
    const again = await Promise.all((await previews()).map((name) => stat(join(bucket, 'report', name))));
    const unmoved = new Set(again.map(({ mtimeMs }) => mtimeMs));
    for (const { mtimeMs } of made) expect(unmoved).toContain(mtimeMs);
  });

  it('shows the same bytes under many names, made small once', async () => {
    const records = await Promise.all(['a.jpg', 'b.jpg', 'c.jpg', 'd.jpg'].map((name) => restored(name)));
    const html = await readFile(await write(records), 'utf8');
    expect(await previews()).toHaveLength(3);
    for (const name of await previews()) expect(html.split(name).length).toBeGreaterThan(4);
  });

  it('makes a lost preview again', async () => {
    const record = await restored('a.jpg');
    await write([record]);
    const [lost = ''] = await previews();
    await rm(join(bucket, 'report', lost));
    await write([record]);
    expect(await previews()).toContain(lost);
  });

  it('writes the same page from the same records', async () => {
    const record = await restored('a.jpg');
    const once = await readFile(await write([record]));
    expect(sha256(await readFile(await write([record])))).toBe(sha256(once));
  });

  it('links to the whole files by their paths, whatever their names hold', async () => {
    const name = 'holiday #1/100% & "ümlaut"?.jpg';
    const html = await readFile(await write([await restored(name)]), 'utf8');
    const encoded = 'holiday%20%231/100%25%20%26%20%22%C3%BCmlaut%22%3F.jpg';
    expect(html).toContain(`href="./uploads/${encoded}"`);
    expect(html).toContain(`href="./results/${encoded}"`);
  });

  it('links to nothing that is not a file of this machine', async () => {
    const record = await restored('a.jpg');
    if (record.status === 'failed') throw new Error('Expected a delivered record.');
    const remote = {
      ...record,
      source: { ...record.source, bucket: 'photos' },
      result: { ...record.result, bucket: 'results' },
    };
    expect(await readFile(await write([remote]), 'utf8')).not.toContain('href=');
  });

  it('shows no source that was changed since, and no result that is gone', async () => {
    const record = await restored('a.jpg');
    await writeFile(join(bucket, 'uploads/a.jpg'), await photoJpeg(64, 64));
    await rm(join(bucket, 'results/a.jpg'));
    const html = await readFile(await write([record]), 'utf8');
    expect(html).toContain('The picture is no longer where it was.');
    expect(html).not.toContain('.webp');
  });

  it('goes on where a picture cannot be shown', async () => {
    const torn = Buffer.from('not a picture');
    const record = await putRestored(bucket, 'a.jpg', { source: torn, result: torn, width: 4, height: 3 });
    expect(await readFile(await write([record, await restored('b.jpg')]), 'utf8')).toContain('b.jpg');
    expect(await previews()).toHaveLength(3);
  });

  it('shows a picture that stayed as it is once, with the score of the candidate', async () => {
    const bytes = await photoJpeg();
    const record = await putRestored(
      bucket,
      'a.jpg',
      { source: bytes, result: bytes, width: 320, height: 240 },
      {
        status: 'unchanged',
        assessment: scores(0.8, 0.79),
        decision: { delivered: 'original', reason: 'not-better', message: 'The score fell.' },
      },
    );
    const html = await readFile(await write([record]), 'utf8');
    expect(html).not.toContain('role="slider"');
    expect(html).toContain('Candidate');
    expect(html).toContain('The score fell.');
    expect(await previews()).toHaveLength(2);
  });

  it('escapes every text of a record and of its name', async () => {
    const hostile = '<img src=x onerror=alert(1)>';
    const failed = await putFailed(bucket, `${hostile.replaceAll('/', '')}.jpg`, Buffer.from('x'), `${hostile} came`);
    const warned = { ...(await restored('a.jpg')), warnings: [{ code: hostile, message: hostile }] };
    const html = await readFile(await write([failed, warned]), 'utf8');
    expect(html).not.toContain('<img src=x');
    expect(html).toContain('&lt;img src=x onerror=alert(1)&gt; came');
    expect(html).toContain('<h1>A &lt;test&gt;</h1>');
  });

  it('says code, whose fault it is, and message of a failure', async () => {
    const html = await readFile(
      await write([await putFailed(bucket, 'a.jpg', Buffer.from('x'), 'Expected a picture.')]),
      'utf8',
    );
    expect(html).toContain('unsupported-format');
    expect(html).toContain('trying again will not help');
    expect(html).toContain('Expected a picture.');
  });

  it('is a page for no pictures too', async () => {
    expect(await readFile(await write([]), 'utf8')).toContain('0 pictures');
  });
});
