import { link, lstat, mkdir, open, rename, rm, rmdir, utimes } from 'node:fs/promises';
import { dirname } from 'node:path';
import { RestorationError } from '../contracts/errors.ts';
import { isMissing, systemCode } from './file-error.ts';
import { hasNoLinks } from './file-lock.ts';

/**
 * Gives a finished file its name in one step, durably. The caller holds the key's lock.
 * @param how `absent`: only where nothing is, else `store-conflict`; programs that know no locks cannot slip in between
 */
export async function publishFile(staged: string, target: string, how: 'absent' | 'replace'): Promise<void> {
  const created = await mkdir(dirname(target), { recursive: true });
  await setTimeOfPut(staged, target);
  try {
    await giveName(staged, target, how);
  } catch (error) {
    // An empty folder is no object; S3 would not know it at all.
    if (!(await removeEmptyFolder(target))) throw error;
    await giveName(staged, target, how);
  }
  await syncFolders(dirname(target), created ? dirname(created) : dirname(target));
}

/** Makes the removal or the new name of a file in this folder outlast a power failure. */
export async function syncFolder(folder: string): Promise<void> {
  try {
    const handle = await open(folder, 'r');
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  } catch (error) {
    // Windows opens no folders, some network file systems sync none, and one that may only be written cannot be opened.
    if (!['EISDIR', 'EPERM', 'EACCES', 'EINVAL', 'ENOTSUP'].includes(systemCode(error) ?? '')) throw error;
  }
}

async function giveName(staged: string, target: string, how: 'absent' | 'replace'): Promise<void> {
  if (how === 'replace') return await rename(staged, target);
  try {
    await link(staged, target);
    await rm(staged, { force: true });
  } catch (error) {
    // Without links the check and the rename are two steps, safe only against writers that take the lock.
    if (hasNoLinks(error) && !(await exists(target))) return await rename(staged, target);
    if (systemCode(error) !== 'EEXIST' && !hasNoLinks(error)) throw error;
    const found = (await isFolder(target)) ? 'a folder' : 'an object';
    const code = found === 'a folder' ? 'output-collision' : 'store-conflict';
    throw new RestorationError(code, `Expected nothing at ${target}, found ${found}.`, { cause: error });
  }
}

/** Later puts have later times, whatever the order in which their bytes were written and whatever the clock does. */
async function setTimeOfPut(staged: string, target: string): Promise<void> {
  const clock = (performance.timeOrigin + performance.now()) / 1000;
  // Times travel as floating-point seconds, good to a quarter of a microsecond.
  const afterOld = await lstat(target, { bigint: true }).then(
    ({ mtimeNs }) => Number(mtimeNs / 1000n + 2n) / 1e6,
    () => 0,
  );
  const time = Math.max(clock, afterOld);
  await utimes(staged, time, time);
}

async function removeEmptyFolder(path: string): Promise<boolean> {
  return await rmdir(path).then(
    () => true,
    () => false,
  );
}

async function isFolder(path: string): Promise<boolean> {
  return (await lstat(path)).isDirectory();
}

async function exists(path: string): Promise<boolean> {
  try {
    await lstat(path);
    return true;
  } catch (error) {
    if (isMissing(error)) return false;
    throw error;
  }
}

async function syncFolders(from: string, upTo: string): Promise<void> {
  await syncFolder(from);
  if (from !== upTo && from !== dirname(from)) await syncFolders(dirname(from), upTo);
}
