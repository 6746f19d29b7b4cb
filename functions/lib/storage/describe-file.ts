import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { RestorationError } from '../contracts/errors.ts';
import { fileError, isMissing } from './file-error.ts';

/** What changes when a file's bytes change. The change time catches tools that write and then set the old mtime again. */
export interface FileStamp {
  /** bytes */
  size: number;
  mtimeNs: bigint;
  ctimeNs: bigint;
  inode: bigint;
}

/**
 * Size, content and time of a file as it is now.
 * Errors: `source-gone` where there is no such file, `source-unreadable` where access is denied, `store-unavailable`
 * where it is still being written.
 */
export async function describeFile(path: string): Promise<{ size: number; sha256: string; mtimeNs: bigint }> {
  const handle = await openFile(path);
  if (!handle) throw new RestorationError('source-gone', `Expected a file at ${path}, found none.`);
  try {
    const before = await stampOf(handle);
    const sha256 = await hashUnlessChanging(handle, before);
    if (sha256) return { size: before.size, sha256, mtimeNs: before.mtimeNs };
  } catch (error) {
    throw fileError(error, `Reading ${path}`);
  } finally {
    await handle.close();
  }
  throw stillWritten(path);
}

/** A file's time as a sequencer: nanoseconds since 1970 in 16 hex digits. */
export function sequencerOf(mtimeNs: bigint): string {
  return (mtimeNs < 0n ? 0n : mtimeNs).toString(16).padStart(16, '0');
}

/** A file for reading; undefined where there is nothing, or something that is no regular file. */
export async function openFile(path: string): Promise<FileHandle | undefined> {
  let handle: FileHandle;
  try {
    // Without O_NONBLOCK a named pipe in the folder would block the open until somebody writes to it.
    handle = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  } catch (error) {
    if (isMissing(error) || isNoFile(error)) return undefined;
    throw fileError(error, `Opening ${path}`);
  }
  const stat = await handle.stat();
  if (stat.isFile()) return handle;
  await handle.close();
  return undefined;
}

export async function stampOf(handle: FileHandle): Promise<FileStamp> {
  const { size, mtimeNs, ctimeNs, ino } = await handle.stat({ bigint: true });
  return { size: Number(size), mtimeNs, ctimeNs, inode: ino };
}

/**
 * @param before the file's stamp, taken by the caller just now
 * @returns sha256, hex; undefined where the file changed meanwhile
 */
export async function hashUnlessChanging(handle: FileHandle, before: FileStamp): Promise<string | undefined> {
  const hash = createHash('sha256');
  const buffer = Buffer.allocUnsafe(Math.min(1 << 20, before.size + 1));
  let position = 0;
  for (;;) {
    const { bytesRead } = await handle.read(buffer, 0, buffer.length, position);
    if (bytesRead === 0) break;
    hash.update(buffer.subarray(0, bytesRead));
    position += bytesRead;
  }
  const after = await stampOf(handle);
  // A new name, or none any more, moves the change time; the bytes stay.
  const unchanged = position === before.size && after.size === before.size && after.mtimeNs === before.mtimeNs;
  return unchanged ? hash.digest('hex') : undefined;
}

export function stillWritten(path: string): RestorationError {
  return new RestorationError('store-unavailable', `${path} changed while it was read. Try again once it is written.`);
}

/** Sockets and devices without a driver refuse to be opened at all. */
function isNoFile(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'ENXIO' || error.code === 'ENODEV');
}
