import { createReadStream } from 'node:fs';
import { open, readdir, stat } from 'node:fs/promises';
import { basename, join, relative, resolve, sep } from 'node:path';
import { RestorationError } from '../lib/contracts/errors.ts';
import { folderLayout, formatOfName, resultKey } from '../lib/contracts/keys.ts';
import type { Upload } from '../lib/contracts/object-event.ts';
import type { Settings } from '../lib/contracts/settings.ts';
import { identify } from '../lib/imaging/file-type.ts';
import { describeFile, sequencerOf } from '../lib/storage/describe-file.ts';
import type { ObjectHead, ObjectStore } from '../lib/storage/store.ts';

export interface Inputs {
  /** Keys of the pictures, relative to the input they were found in, with their files' paths. */
  files: Map<string, string>;
  /** Files that are no pictures, by name or content; they get no record. */
  ignored: string[];
}

/** Extensions by which pictures go, those that this product refuses included: they deserve a failed record. */
const imageExtension =
  /\.(jpe?g|jpe|jfif|png|webp|avif|tiff?|gif|heic|heif|dng|cr2|cr3|nef|arw|orf|rw2|raf|jxl|jp2|bmp|svg|psd)$/i;

/** How much of a file tells its type. */
const magicLength = 4100;

/**
 * Finds the pictures in files and folders. A file named outright is always taken.
 * @param output is not walked where it lies inside an input
 * @throws RestorationError `invalid-configuration` where an input is missing, two inputs share a key, or a key is reserved
 */
export async function collectInputs(inputs: string[], output?: string): Promise<Inputs> {
  const found: Inputs = { files: new Map(), ignored: [] };
  const skipped = output === undefined ? undefined : resolve(output);
  for (const input of inputs) {
    const root = resolve(input);
    const entry = await stat(root).catch((cause: unknown) => {
      throw misuse(`Expected ${input} to be a file or a folder, but there is none. Check the path.`, cause);
    });
    if (entry.isDirectory()) {
      if (root === skipped)
        throw misuse(`Expected an output other than the input ${input}: originals are never replaced.`);
      await walk(root, root, skipped, found);
    } else {
      if (skipped && join(skipped, basename(root)) === root) {
        throw misuse(`Expected an output other than the folder of ${input}: originals are never replaced.`);
      }
      add(found, basename(root), root);
    }
  }
  return found;
}

/** Refuses inputs whose results would land on one another, before the first picture. */
export function refuseCollisions(keys: Iterable<string>, format: Settings['format']): void {
  const byResult = new Map<string, string>();
  for (const key of keys) {
    if (key.startsWith(folderLayout.records)) {
      throw misuse(
        `Expected no input below ${folderLayout.records}, where the output keeps its records, but found ${key}. Move it.`,
      );
    }
    const changed = format !== 'same' ? format : formatOfName(key) === 'gif' ? 'png' : undefined;
    const result = resultKey(folderLayout, key, changed);
    const other = byResult.get(result);
    if (other !== undefined) {
      throw misuse(
        `Expected results of their own for ${other} and ${key}, but both would become ${result}. Rename one, or use --format same.`,
      );
    }
    byResult.set(result, key);
  }
}

/** The uploads that the files stand for: version and etag are the content's sha256, the sequencer is the time of its last change. */
export async function uploadsOf(files: Map<string, string>, bucket: string): Promise<Upload[]> {
  const uploads: Upload[] = [];
  for (const [key, path] of files) uploads.push(await uploadOfFile(bucket, key, path));
  return uploads;
}

export async function uploadOfFile(bucket: string, key: string, path: string): Promise<Upload> {
  try {
    const { size, sha256, mtimeNs } = await describeFile(path);
    const eventTime = new Date(Number(mtimeNs / 1_000_000n)).toISOString();
    return { bucket, key, version: sha256, etag: sha256, size, sequencer: sequencerOf(mtimeNs), eventTime };
  } catch {
    // What cannot be read now fails when it is fetched, with a record that says why.
    return { bucket, key, size: 0, eventTime: new Date(0).toISOString() };
  }
}

/** The inputs as the store that a restoration reads from; nothing is ever written there. */
export function inputStore(bucket: string, files: Map<string, string>): Pick<ObjectStore, 'bucket' | 'get'> {
  return {
    bucket,
    async get(key, options = {}) {
      const path = files.get(key);
      if (path === undefined)
        throw new RestorationError('source-gone', `Expected ${key} among the inputs, but it is not.`);
      const { size, sha256, mtimeNs } = await describeFile(path);
      if (options.version !== undefined && options.version !== sha256) {
        throw new RestorationError(
          'source-gone',
          `Expected ${path} as it was when it was found, but it has changed. Run again.`,
        );
      }
      const lastModified = new Date(Number(mtimeNs / 1_000_000n)).toISOString();
      const head: ObjectHead = { key, size, etag: sha256, version: sha256, lastModified, metadata: {} };
      return { head, body: createReadStream(path) };
    },
  };
}

async function walk(root: string, folder: string, skipped: string | undefined, found: Inputs): Promise<void> {
  const entries = await readdir(folder, { withFileTypes: true });
  entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  for (const entry of entries) {
    const path = join(folder, entry.name);
    const isFolder = entry.isDirectory();
    if (isFolder && path !== skipped && entry.name !== '.iqpir') await walk(root, path, skipped, found);
    if (isFolder || !(entry.isFile() || entry.isSymbolicLink())) continue;
    if (entry.isSymbolicLink() && !(await stat(path).catch(() => undefined))?.isFile()) continue;
    const key = relative(root, path).split(sep).join('/');
    if (imageExtension.test(entry.name) || (await hasImageMagic(path))) add(found, key, path);
    else found.ignored.push(path);
  }
}

function add(found: Inputs, key: string, path: string): void {
  const other = found.files.get(key);
  if (other !== undefined && other !== path) {
    throw misuse(
      `Expected results of their own for ${other} and ${path}, but both would become ${key}. Restore them into two outputs.`,
    );
  }
  found.files.set(key, path);
}

async function hasImageMagic(path: string): Promise<boolean> {
  const file = await open(path).catch(() => undefined);
  if (!file) return false;
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(magicLength), 0, magicLength, 0);
    return 'format' in identify(buffer.subarray(0, bytesRead));
  } finally {
    await file.close();
  }
}

function misuse(message: string, cause?: unknown): RestorationError {
  return new RestorationError('invalid-configuration', message, { cause });
}
