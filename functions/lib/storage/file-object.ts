import { type FileHandle, lstat } from 'node:fs/promises';
import { type FileStamp, hashUnlessChanging, stampOf } from './describe-file.ts';
import { type DigestCache, isSettled } from './digest-cache.ts';
import type { ObjectInfo } from './store.ts';

export interface DescribedFile {
  stamp: FileStamp;
  sha256: string;
}

/** Undefined where the file changes under our eyes. */
export async function describeObject(
  digests: DigestCache,
  key: string,
  handle: FileHandle,
): Promise<DescribedFile | undefined> {
  const stamp = await stampOf(handle);
  const known = await digests.find(key, stamp);
  if (known) return { stamp, sha256: known };
  const settled = isSettled(stamp);
  const sha256 = await hashUnlessChanging(handle, stamp);
  if (sha256 && settled) await digests.keep(key, stamp, sha256);
  return sha256 ? { stamp, sha256 } : undefined;
}

export function infoOf(key: string, { stamp, sha256 }: DescribedFile): ObjectInfo {
  return { key, size: stamp.size, etag: sha256, version: sha256, lastModified: isoOf(stamp.mtimeNs) };
}

/** A file whose bytes may not be read: its version changes with its size and time, no reader ever gets it. */
export async function unreadableInfo(key: string, path: string): Promise<ObjectInfo> {
  const { size, mtimeNs } = await lstat(path, { bigint: true });
  const etag = `unreadable-${size}-${mtimeNs}`;
  return { key, size: Number(size), etag, version: etag, lastModified: isoOf(mtimeNs) };
}

function isoOf(mtimeNs: bigint): string {
  return new Date(Number(mtimeNs / 1_000_000n)).toISOString();
}
