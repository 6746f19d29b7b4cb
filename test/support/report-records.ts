import { createHash } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { DeliveredRecord, RestorationRecord, Score } from '../../functions/lib/contracts/record.ts';
import { RestorationRecord as Schema } from '../../functions/lib/contracts/record.ts';
import { deliveredRecord, failedRecord } from './records.ts';

export const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');

/** Size of every picture that these records speak of. */
export interface Shown {
  width: number;
  height: number;
}

/** A learned score and the classic measures, as a restoration gives them. */
export function scores(before: number, after?: number): Score[] {
  const model = { id: 'iqa-photo', version: '1.0.0', sha256: 'b'.repeat(64) };
  const classic = (metric: string, to: number, direction: Score['direction'], was: number, is: number): Score => ({
    metric,
    range: [0, to],
    direction,
    before: was,
    ...(after !== undefined && { after: is }),
  });
  return [
    {
      metric: 'kadid-mos',
      model,
      range: [0, 1],
      direction: 'higher-is-better',
      before,
      ...(after !== undefined && { after }),
    },
    classic('sharpness', 1, 'higher-is-better', 0.6, 0.55),
    classic('noise', 255, 'lower-is-better', 12, 2),
    classic('blockiness', 1, 'lower-is-better', 0.1, 0.03),
    classic('clipping', 1, 'lower-is-better', 0.01, 0.01),
  ];
}

/** Puts a source and its result into a folder that stands for a bucket. @returns the valid record of them */
export async function putRestored(
  bucket: string,
  name: string,
  files: { source: Buffer; result: Buffer } & Shown,
  changes: Partial<DeliveredRecord> = {},
): Promise<RestorationRecord> {
  const { width, height } = files;
  const source = {
    bucket,
    key: `uploads/${name}`,
    version: sha256(files.source),
    size: files.source.length,
    sha256: sha256(files.source),
  };
  const result = {
    bucket,
    key: `results/${name}`,
    sha256: sha256(files.result),
    size: files.result.length,
    format: 'jpeg',
    width,
    height,
  } as const;
  for (const [{ key }, bytes] of [
    [source, files.source],
    [result, files.result],
  ] as const) {
    await mkdir(dirname(join(bucket, key)), { recursive: true });
    await writeFile(join(bucket, key), bytes);
  }
  const plain = deliveredRecord();
  if (plain.status === 'failed') throw new Error('Expected a delivered record.');
  return Schema.parse({
    ...plain,
    source,
    result,
    image: { ...plain.image, width, height },
    assessment: scores(0.4, 0.7),
    tiles: 4,
    ...changes,
  });
}

/** Puts a source that cannot be restored. @returns the valid record of it */
export async function putFailed(
  bucket: string,
  name: string,
  bytes: Buffer,
  message: string,
): Promise<RestorationRecord> {
  const source = { bucket, key: `uploads/${name}`, size: bytes.length };
  await mkdir(dirname(join(bucket, source.key)), { recursive: true });
  await writeFile(join(bucket, source.key), bytes);
  return Schema.parse({ ...failedRecord({ source }), error: { code: 'unsupported-format', fault: 'input', message } });
}
