import { createHash } from 'node:crypto';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import type { FileStamp } from './describe-file.ts';
import { isMissing } from './file-error.ts';

/**
 * A file written again within one tick of its file system's clock keeps its stamp; the coarsest clock in use ticks
 * every 2 seconds (FAT). Digests of files younger than that are not remembered.
 */
const coarsestTick = 2000;

const Entry = z.strictObject({
  key: z.string(),
  size: z.number(),
  mtimeNs: z.string(),
  ctimeNs: z.string(),
  inode: z.string(),
  sha256: z.string(),
});
type Entry = z.infer<typeof Entry>;

/** Whether a file's stamp would change with its bytes from now on: ask before hashing, keep the digest only then. */
export function isSettled({ mtimeNs, ctimeNs }: FileStamp): boolean {
  const now = Date.now();
  return [mtimeNs, ctimeNs].every((time) => Math.abs(now - Number(time / 1_000_000n)) >= coarsestTick);
}

/** Remembers the sha256 of files for as long as their stamps stay, so that a large folder is not read twice. */
export interface DigestCache {
  find(key: string, stamp: FileStamp): Promise<string | undefined>;
  keep(key: string, stamp: FileStamp, sha256: string): Promise<void>;
  forget(key: string): Promise<void>;
}

/** Kept below `folder`; what cannot be read there is computed again, what cannot be written is not kept. */
export function cacheInFolder(folder: string): DigestCache {
  return {
    async find(key, stamp) {
      const text = await readFile(entryPath(folder, key), 'utf8').catch(() => undefined);
      const entry = text === undefined ? undefined : parse(text);
      return entry && matches(entry, key, stamp) ? entry.sha256 : undefined;
    },
    async keep(key, stamp, sha256) {
      const text = JSON.stringify(entryOf(key, stamp, sha256));
      // A folder that may be read but not written, or is full, is a slower store, not a broken one.
      await writeEntry(entryPath(folder, key), text).catch(() => undefined);
    },
    async forget(key) {
      await rm(entryPath(folder, key), { force: true });
    },
  };
}

/** For a folder that must not be written to: kept as long as the process lives. */
export function cacheInMemory(): DigestCache {
  const entries = new Map<string, Entry>();
  return {
    async find(key, stamp) {
      const entry = entries.get(key);
      return entry && matches(entry, key, stamp) ? entry.sha256 : undefined;
    },
    async keep(key, stamp, sha256) {
      entries.set(key, entryOf(key, stamp, sha256));
    },
    async forget(key) {
      entries.delete(key);
    },
  };
}

/** Spread over 256 folders: some file systems are slow in folders of many files. */
export function hashedPath(folder: string, key: string): string {
  const hash = createHash('sha256').update(key).digest('hex');
  return join(folder, hash.slice(0, 2), hash);
}

/** In place, unlike everything else here: half an entry is no JSON and is computed again, and a large folder has many. */
async function writeEntry(path: string, text: string): Promise<void> {
  try {
    await writeFile(path, text);
  } catch (error) {
    if (!isMissing(error)) throw error;
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, text);
  }
}

function entryPath(folder: string, key: string): string {
  return `${hashedPath(folder, key)}.json`;
}

function entryOf(key: string, { size, mtimeNs, ctimeNs, inode }: FileStamp, sha256: string): Entry {
  return { key, size, mtimeNs: String(mtimeNs), ctimeNs: String(ctimeNs), inode: String(inode), sha256 };
}

function matches(entry: Entry, key: string, stamp: FileStamp): boolean {
  const { size, mtimeNs, ctimeNs, inode } = entryOf(key, stamp, entry.sha256);
  return (
    entry.key === key &&
    entry.size === size &&
    entry.mtimeNs === mtimeNs &&
    entry.ctimeNs === ctimeNs &&
    entry.inode === inode
  );
}

function parse(text: string): Entry | undefined {
  try {
    return Entry.safeParse(JSON.parse(text)).data;
  } catch {
    // Half an entry: its writer was killed or is still at it.
    return undefined;
  }
}
