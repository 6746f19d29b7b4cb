import { cp, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { RestorationRecord } from '../../functions/lib/contracts/record.ts';
import { pageOf } from '../../functions/local/report/page.ts';
import { writeReport } from '../../functions/local/report/report.ts';
import { photoJpeg } from './pictures.ts';
import { recordedFace } from './records.ts';
import { putFailed, putRestored, scores } from './report-records.ts';

/** A file's name that would run a script where it is not escaped. */
export const hostile = '<img src=x onerror=document.title=`hacked`>.jpg';
/** Of every picture of these reports. */
export const size = { width: 900, height: 600 };
const timings = { fetch: 0, decode: 0.1, assess: 0.2, restore: 1, encode: 0.1, predictTime: 1.1, totalTime: 1.4 };

/** Two restored, one unchanged, one failed, in an order of their own. */
export async function writeSmallReport(bucket: string): Promise<string> {
  const source = await photoJpeg(size.width, size.height, { quality: 20 });
  const result = await photoJpeg(size.width, size.height, { quality: 95 });
  const records: RestorationRecord[] = [
    await putRestored(
      bucket,
      'b.jpg',
      { source, result, ...size },
      {
        assessment: scores(0.4, 0.5),
        timings,
        faceTreatment: { as: 'faces', reason: 'restored', message: '1 of 1 faces were restored.' },
        faces: [recordedFace],
      },
    ),
    await putRestored(
      bucket,
      'c.jpg',
      { source: result, result, ...size },
      {
        status: 'unchanged',
        assessment: scores(0.9),
        decision: { delivered: 'original', reason: 'already-good', message: 'The score is 0.900: nothing to restore.' },
        timings: { ...timings, restore: 9 },
        warnings: [{ code: 'first-frame-only', message: 'Only the first frame was taken.' }],
      },
    ),
    await putFailed(bucket, hostile, Buffer.from('text'), `Expected a picture, came ${hostile}.`),
    await putRestored(bucket, 'a.jpg', { source, result, ...size }, { assessment: scores(0.4, 0.8), timings }),
  ];
  const read = (key: string) => readFile(join(bucket, key));
  return writeReport({
    records,
    source: (record) => read(record.source.key),
    result: async (record) => (record.status === 'failed' ? undefined : read(record.result.key)),
    directory: bucket,
    title: 'Test',
    software: 'iqpir-restore 0.1.0',
  });
}

/** As many pictures, each with files of its own, so that none is decoded for two. The small report must be there. */
export async function writeLargeReport(bucket: string, count: number): Promise<string> {
  const folder = join(bucket, 'many');
  await mkdir(join(folder, 'report'), { recursive: true });
  const [preview = ''] = (await readdir(join(bucket, 'report'))).filter((name) => name.endsWith('-1280.webp'));
  const record = await putRestored(folder, 'a.jpg', { source: Buffer.from('a'), result: Buffer.from('b'), ...size });
  const pictures = await Promise.all(
    Array.from({ length: count }, async (_, index) => {
      const copy = async (name: string) => {
        const url = `report/${index}-${name}.webp`;
        await cp(join(bucket, 'report', preview), join(folder, url));
        return { url, ...size };
      };
      const [before, after, thumbnail] = await Promise.all([copy('before'), copy('after'), copy('thumbnail')]);
      return {
        record: { ...record, source: { ...record.source, key: `uploads/${index}.jpg` } },
        before,
        after,
        thumbnail,
      };
    }),
  );
  const path = join(folder, 'report.html');
  await writeFile(path, pageOf({ pictures, title: 'Many', software: 'iqpir-restore 0.1.0' }));
  return path;
}
