import { createHash } from 'node:crypto';
import {
  GetObjectCommand,
  ListObjectVersionsCommand,
  type ListObjectVersionsOutput,
  type S3Client,
  S3ServiceException,
} from '@aws-sdk/client-s3';
import pLimit from 'p-limit';

/** One version of an object, or the marker of its deletion. */
export interface Version {
  id: string;
  isLatest: boolean;
  isDeleted: boolean;
}

/** Requests at a time. */
const atATime = 24;

/** The versions of every key below a prefix, the newest first. */
export async function versionsOf(client: S3Client, bucket: string, prefix: string): Promise<Map<string, Version[]>> {
  const found = new Map<string, (Version & { at: number })[]>();
  for await (const page of pagesOf(client, bucket, prefix)) {
    const versions = (page.Versions ?? []).map((version) => ({ ...version, isDeleted: false }));
    const markers = (page.DeleteMarkers ?? []).map((marker) => ({ ...marker, isDeleted: true }));
    for (const { Key = '', VersionId = '', IsLatest = false, LastModified, isDeleted } of [...versions, ...markers]) {
      const key = page.EncodingType === 'url' ? decoded(Key) : Key;
      const of = found.get(key) ?? [];
      of.push({ id: VersionId, isLatest: IsLatest, isDeleted, at: LastModified?.getTime() ?? 0 });
      found.set(key, of);
    }
  }
  // Markers are listed apart from versions. Sorting keeps the listed order, newest first, of what shares a second.
  for (const of of found.values()) of.sort((a, b) => Number(b.isLatest) - Number(a.isLatest) || b.at - a.at);
  return found;
}

async function* pagesOf(client: S3Client, Bucket: string, Prefix: string): AsyncGenerator<ListObjectVersionsOutput> {
  let from: { KeyMarker?: string; VersionIdMarker?: string } = {};
  for (;;) {
    const request = new ListObjectVersionsCommand({ Bucket, Prefix, EncodingType: 'url', ...from });
    const page = await client.send(request);
    yield page;
    if (!page.IsTruncated) return;
    const { EncodingType, NextKeyMarker = '' } = page;
    from = {
      KeyMarker: EncodingType ? decoded(NextKeyMarker) : NextKeyMarker,
      VersionIdMarker: page.NextVersionIdMarker,
    };
  }
}

function decoded(key: string): string {
  return decodeURIComponent(key.replaceAll('+', ' '));
}

/** The bytes of objects, each handed to `read` as it comes. What was deleted since it was listed is left out. */
export async function readAll<T>(
  client: S3Client,
  bucket: string,
  objects: { key: string; version?: string }[],
  read: (object: { key: string; version?: string }, bytes: Buffer) => T,
): Promise<T[]> {
  const found = await pLimit(atATime).map(objects, async (object) => {
    const request = new GetObjectCommand({ Bucket: bucket, Key: object.key, VersionId: object.version });
    try {
      const { Body } = await client.send(request);
      return [read(object, Buffer.from((await Body?.transformToByteArray()) ?? []))];
    } catch (error) {
      if (error instanceof S3ServiceException && error.$metadata.httpStatusCode === 404) return [];
      throw error;
    }
  });
  return found.flat(1) as T[];
}

export function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}
