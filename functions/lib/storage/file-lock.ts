import { link, mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { RestorationError } from '../contracts/errors.ts';
import type { Bookkeeping } from './bookkeeping.ts';
import { isMissing, systemCode } from './file-error.ts';
import { isOwnerDead, newToken, pidOf } from './process-token.ts';
import { namesIn } from './staged-file.ts';

/** Locks are held for milliseconds: longer than the check and the rename of one put is a process in trouble. */
const defaultPatience = 10_000;

/** A lock whose owner cannot be asked (another machine, an unreadable token) is broken after this long. */
const unknownOwnerPatience = 30_000;

type Folders = Pick<Bookkeeping, 'locks' | 'tmp'>;

/**
 * Runs work while no other process or call holds the lock of that name. The lock of a dead process is broken.
 * Errors: `store-unavailable` where the lock stays taken for `patience` milliseconds, and those of the work.
 */
export async function withLock<T>(
  folders: Folders,
  name: string,
  work: () => Promise<T>,
  patience: number = defaultPatience,
): Promise<T> {
  const release = await acquire(folders, name, Date.now() + patience);
  try {
    return await work();
  } finally {
    await release();
  }
}

/** Breaks the locks of dead processes, so that none of them is met later. */
export async function breakDeadLocks(folders: Folders): Promise<void> {
  for (const name of await namesIn(folders.locks)) {
    const holder = await holderOf(join(folders.locks, name));
    if (holder && isDead(holder)) await breakLock(folders, name, holder.token, Date.now() + defaultPatience);
  }
}

async function acquire(folders: Folders, name: string, deadline: number): Promise<() => Promise<void>> {
  const path = join(folders.locks, name);
  await mkdir(folders.locks, { recursive: true });
  await mkdir(folders.tmp, { recursive: true });
  for (;;) {
    if (await tryCreate(folders.tmp, path)) return () => rm(path, { force: true });
    const holder = await holderOf(path);
    if (Date.now() > deadline) {
      throw new RestorationError(
        'store-unavailable',
        `Expected the lock ${path} to become free, process ${pidOf(holder?.token ?? '')} holds it. Try again.`,
      );
    }
    if (holder && isDead(holder)) await breakLock(folders, name, holder.token, deadline);
    else await pause(2 + Math.random() * 10);
  }
}

/**
 * Removes a dead process's lock, and never the next owner's: the right to remove a lock is a lock itself, named after
 * the token it removes, so while it is held nobody else can take that very token away.
 */
async function breakLock(folders: Folders, name: string, token: string, deadline: number): Promise<void> {
  const path = join(folders.locks, name);
  const release = await acquire(folders, `${name}.${token.slice(-16) || 'empty'}`, deadline);
  try {
    const holder = await holderOf(path);
    if (holder?.token === token && isDead(holder)) await rm(path, { force: true });
  } finally {
    await release();
  }
}

/** A link appears with its token inside, so a process killed here leaves a whole lock or none. */
async function tryCreate(tmp: string, path: string): Promise<boolean> {
  const token = newToken();
  const note = join(tmp, token);
  try {
    await writeFile(note, token, { flag: 'wx' });
    await link(note, path);
    return true;
  } catch (error) {
    if (systemCode(error) === 'EEXIST') return false;
    if (hasNoLinks(error)) return await createUnlinked(path, token);
    throw error;
  } finally {
    await rm(note, { force: true });
  }
}

async function createUnlinked(path: string, token: string): Promise<boolean> {
  try {
    await writeFile(path, token, { flag: 'wx' });
    return true;
  } catch (error) {
    if (systemCode(error) === 'EEXIST') return false;
    throw error;
  }
}

/** exFAT, FAT and some network file systems have no hard links. */
export function hasNoLinks(error: unknown): boolean {
  return ['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS'].includes(systemCode(error) ?? '');
}

interface Holder {
  token: string;
  /** milliseconds */
  age: number;
}

async function holderOf(path: string): Promise<Holder | undefined> {
  try {
    const { mtimeMs } = await stat(path);
    return { token: await readFile(path, 'utf8'), age: Date.now() - mtimeMs };
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

function isDead({ token, age }: Holder): boolean {
  return isOwnerDead(token, age, unknownOwnerPatience);
}
