import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import type { ObjectEvent } from '../lib/contracts/object-event.ts';
import { describeFile, sequencerOf } from '../lib/storage/describe-file.ts';

/**
 * What S3 would say of a file that was put into a bucket.
 * @param bucket the folder that stands for the bucket
 * @param key the file's path in it
 */
export async function objectCreated(bucket: string, key: string): Promise<ObjectEvent> {
  const { size, sha256, mtimeNs } = await describeFile(join(bucket, key));
  return {
    id: randomUUID(),
    source: 'aws.s3',
    'detail-type': 'Object Created',
    time: new Date(Number(mtimeNs / 1_000_000n)).toISOString(),
    detail: {
      bucket: { name: bucket },
      object: { key, size, etag: sha256, 'version-id': sha256, sequencer: sequencerOf(mtimeNs) },
    },
  };
}
