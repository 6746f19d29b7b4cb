import { access, mkdir, rename, writeFile } from 'node:fs/promises';
import { isAbsolute, join, relative, sep } from 'node:path';
import pLimit from 'p-limit';
import type { RestorationRecord } from '../../lib/contracts/record.ts';
import { pageOf } from './page.ts';
import type { Picture } from './picture.ts';
import { makePreviews, type PreviewOf, previewSides, sidesWithThumbnail } from './previews.ts';

export interface Report {
  records: readonly RestorationRecord[];
  /** The bytes of a record's source, or of its result; undefined where they are gone. Asked for only where no preview is there yet. */
  source(record: RestorationRecord): Promise<Buffer | undefined>;
  result(record: RestorationRecord): Promise<Buffer | undefined>;
  /** Where report.html and its pictures go. */
  directory: string;
  title: string;
  /** Name and version of what wrote it. */
  software: string;
}

/** Pictures made small at a time: two hold a few hundred megabytes at most. */
const atATime = 2;

/**
 * Writes `report.html`, which opens from disk without a server or a network, and the previews beside it. What was made small
 * before stays, so a report that grew by one picture costs one picture.
 * @returns the page's path
 */
export async function writeReport({ records, directory, title, software, ...read }: Report): Promise<string> {
  await mkdir(directory, { recursive: true });
  const limit = pLimit(atATime);
  const pictures = await Promise.all(records.map((record) => limit(() => pictureOf(record, directory, read))));
  const page = join(directory, 'report.html');
  const staged = `${page}.${process.pid}.part`;
  await writeFile(staged, pageOf({ pictures, title, software }));
  await rename(staged, page);
  return page;
}

async function pictureOf(
  record: RestorationRecord,
  directory: string,
  { source, result }: Pick<Report, 'source' | 'result'>,
): Promise<Picture> {
  const original = await linkTo(directory, record.source);
  if (record.status === 'failed') return { record, original };
  const { width, height } = record.image;
  const sourceIdentity = record.source.sha256 ?? JSON.stringify(record.source);
  const before: PreviewOf = {
    identity: sourceIdentity,
    sha256: record.source.sha256,
    width,
    height,
    read: () => source(record),
  };
  const after: PreviewOf = { ...record.result, identity: record.result.sha256, read: () => result(record) };
  // Of a picture that stayed as it is there is one to show, and the delivered one is there the longest.
  const restored = record.decision.delivered === 'restored';
  const delivered = await makePreviews(directory, sidesWithThumbnail, after);
  return {
    record,
    original,
    delivered: await linkTo(directory, record.result),
    before: restored ? (await makePreviews(directory, previewSides, before))?.large : undefined,
    after: delivered?.large,
    thumbnail: delivered?.thumbnail,
  };
}

/** The address of an object that is a file here, relative to the report. */
async function linkTo(
  directory: string,
  { bucket, key }: { bucket: string; key: string },
): Promise<string | undefined> {
  if (!isAbsolute(bucket)) return undefined;
  const path = join(bucket, ...key.split('/'));
  try {
    await access(path);
  } catch {
    return undefined;
  }
  const segments = relative(directory, path).split(sep);
  // A first segment with a colon would read as a scheme.
  return `./${segments.map(encodeURIComponent).join('/')}`;
}
