import { PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import pLimit from 'p-limit';
import { sha256 } from './bucket-contents.ts';
import type { Buckets, Originals } from './checker.ts';

export interface Uploaded {
  key: string;
  version: string;
}

/** Puts uploads and keeps a list of what was put, for the checker to compare. */
export function uploader({ client, uploads }: Buckets): {
  originals: Originals;
  put(key: string, body: Buffer, metadata?: Record<string, string>): Promise<Uploaded>;
} {
  const originals: Originals = new Map();
  return {
    originals,
    async put(key, body, metadata) {
      const request = new PutObjectCommand({ Bucket: uploads, Key: key, Body: body, Metadata: metadata });
      const { VersionId: version = '' } = await client.send(request);
      if (!key.endsWith('/')) originals.set(key, (originals.get(key) ?? new Map()).set(version, sha256(body)));
      return { key, version };
    },
  };
}

/** Several at a time; what has the same key one after the other, in the order given. */
export async function putAll<T extends { key: string }>(items: T[], put: (item: T) => Promise<unknown>): Promise<void> {
  const byKey = new Map<string, T[]>();
  for (const item of items) byKey.set(item.key, [...(byKey.get(item.key) ?? []), item]);
  await pLimit(16).map([...byKey.values()], async (versions) => {
    for (const item of versions) await put(item);
  });
}

export async function putText(client: S3Client, Bucket: string, Key: string, Body: string): Promise<void> {
  await client.send(new PutObjectCommand({ Bucket, Key, Body }));
}
