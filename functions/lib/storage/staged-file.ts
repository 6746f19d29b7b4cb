import { createHash } from 'node:crypto';
import { mkdir, open, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Readable } from 'node:stream';
import { asRestorationError } from '../contracts/errors.ts';
import { isMissing } from './file-error.ts';
import { isOwnerDead, newToken } from './process-token.ts';

/** A file of another machine that nobody wrote to for an hour is taken for abandoned. */
const abandonedAfter = 60 * 60 * 1000;

export interface StagedFile {
  path: string;
  /** bytes */
  size: number;
  sha256: string;
}

/**
 * Writes a body to a new file that nobody else sees, durably.
 * Errors: the file system's own, and the body's as a RestorationError.
 */
export async function stage(tmp: string, body: Buffer | Readable): Promise<StagedFile> {
  await mkdir(tmp, { recursive: true });
  const path = join(tmp, newToken());
  const hash = createHash('sha256');
  let size = 0;
  async function* measured() {
    try {
      for await (const chunk of Buffer.isBuffer(body) ? [body] : body) {
        const bytes: Buffer = Buffer.isBuffer(chunk) ? chunk : Buffer.from(chunk);
        hash.update(bytes);
        size += bytes.length;
        yield bytes;
      }
    } catch (error) {
      throw asRestorationError(error);
    }
  }
  const handle = await open(path, 'wx');
  try {
    await writeFile(handle, measured());
    await handle.sync();
  } catch (error) {
    await rm(path, { force: true });
    throw error;
  } finally {
    await handle.close();
  }
  return { path, size, sha256: hash.digest('hex') };
}

/** Replaces a small file of the store's own in one step. */
export async function replaceFile(tmp: string, path: string, text: string): Promise<void> {
  const staged = await stage(tmp, Buffer.from(text));
  try {
    await mkdir(dirname(path), { recursive: true });
    await rename(staged.path, path);
  } catch (error) {
    await rm(staged.path, { force: true });
    throw error;
  }
}

/** Removes what killed processes left behind; files of living ones stay. */
export async function removeLeftovers(tmp: string): Promise<void> {
  for (const name of await namesIn(tmp)) {
    const path = join(tmp, name);
    try {
      const age = Date.now() - (await stat(path)).mtimeMs;
      if (isOwnerDead(name, age, abandonedAfter)) await rm(path, { force: true, recursive: true });
    } catch (error) {
      // Its process finished in this moment, or another one cleans up too.
      if (!isMissing(error)) throw error;
    }
  }
}

/** Names in a folder, none where it does not exist. */
export async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}
