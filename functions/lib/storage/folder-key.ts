import { realpath } from 'node:fs/promises';
import { dirname, join, sep } from 'node:path';
import { RestorationError } from '../contracts/errors.ts';
import { isBookkeeping } from './bookkeeping.ts';
import { isMissing } from './file-error.ts';

/** File systems take names of up to 255 bytes. */
const longestSegment = 255;

const notOnWindows = /[\\:*?"<>|]|[. ]$/;

/** Where an object's file lies. Throws `invalid-request` for a key that no file of this folder can have. */
export function pathOfKey(root: string, key: string): string {
  const segments = key.split('/');
  for (const segment of segments) checkSegment(key, segment);
  if (isBookkeeping(segments)) refuse(key, 'it lies in the part of .iqpir that the store keeps for itself');
  return join(root, ...segments);
}

/** Throws `invalid-request` for a prefix whose folders no key can have; its last part may be the start of any name. */
export function checkPrefix(prefix: string): void {
  for (const segment of prefix.split('/').slice(0, -1)) checkSegment(prefix, segment);
}

/**
 * Whether a path stays below the root with all symbolic links of its folders resolved. Folders that are not there yet
 * are judged by the deepest one that is.
 * @param root must exist
 */
export async function staysInside(root: string, path: string): Promise<boolean> {
  return isWithin(await realpath(root), await deepestReal(dirname(path)));
}

export function isWithin(folder: string, path: string): boolean {
  return path === folder || path.startsWith(folder.endsWith(sep) ? folder : folder + sep);
}

async function deepestReal(folder: string): Promise<string> {
  try {
    return await realpath(folder);
  } catch (error) {
    if (!isMissing(error) || dirname(folder) === folder) throw error;
    return deepestReal(dirname(folder));
  }
}

function checkSegment(key: string, segment: string): void {
  if (segment === '') refuse(key, 'it is empty, or has an empty segment: no slash at its ends, no two in a row');
  if (segment === '.' || segment === '..') refuse(key, `"${segment}" is no name`);
  if (segment.includes('\0')) refuse(key, 'no name holds a NUL character');
  if (/\p{Surrogate}/u.test(segment)) refuse(key, 'it is no valid Unicode');
  const bytes = Buffer.byteLength(segment);
  if (bytes > longestSegment) refuse(key, `a name has up to ${longestSegment} bytes, "${segment}" has ${bytes}`);
  if (process.platform === 'win32' && notOnWindows.test(segment)) refuse(key, `Windows takes no name "${segment}"`);
}

function refuse(key: string, why: string): never {
  throw new RestorationError('invalid-request', `Expected the key of a file, received "${key}": ${why}.`);
}
