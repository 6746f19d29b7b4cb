import { createHash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { lstat, mkdir, rm, unlink } from 'node:fs/promises';
import { basename, dirname, resolve } from 'node:path';
import type { Readable } from 'node:stream';
import { RestorationError } from '../contracts/errors.ts';
import { type Bookkeeping, bookkeepingOf } from './bookkeeping.ts';
import { checkedBody } from './checked-body.ts';
import { openFile, stillWritten } from './describe-file.ts';
import { cacheInFolder, cacheInMemory, type DigestCache, hashedPath } from './digest-cache.ts';
import { fileError, isMissing, systemCode } from './file-error.ts';
import { breakDeadLocks, withLock } from './file-lock.ts';
import { describeObject, infoOf, unreadableInfo } from './file-object.ts';
import { checkPrefix, pathOfKey, staysInside } from './folder-key.ts';
import { readMetadata, removeMetadata, writeMetadata } from './metadata-files.ts';
import { publishFile, syncFolder } from './publish-file.ts';
import { checkPutOptions } from './put-options.ts';
import { removeLeftovers, stage } from './staged-file.ts';
import type { ObjectHead, ObjectInfo, ObjectStore, PutOptions } from './store.ts';
import { walkFiles } from './walk-files.ts';

/**
 * A folder as a bucket: the object of a key is the plain file `root/<key>`, whoever put it there. Version and etag are
 * the sha256 of the bytes, lastModified is the file's time. What a file cannot carry lies in `root/.iqpir/`.
 */
export class FolderStore implements ObjectStore {
  readonly bucket: string;
  readonly #own: Bookkeeping;
  readonly #digests: DigestCache;
  readonly #readOnly: boolean;
  #ready: Promise<void> | undefined;

  /**
   * @param options.root is made by the first put where it does not exist
   * @param options.readOnly writes nothing at all into the folder; puts and deletes are `invalid-configuration`
   */
  constructor({ root, readOnly = false }: { root: string; readOnly?: boolean }) {
    this.bucket = resolve(root);
    this.#own = bookkeepingOf(this.bucket);
    this.#readOnly = readOnly;
    this.#digests = readOnly ? cacheInMemory() : cacheInFolder(this.#own.digests);
  }

  async head(key: string, { version }: { version?: string } = {}): Promise<ObjectHead | undefined> {
    const found = await this.#find(key);
    if (!found) return undefined;
    await found.handle.close();
    return version === undefined || version === found.head.version ? found.head : undefined;
  }

  async get(
    key: string,
    { version, etag }: { version?: string; etag?: string } = {},
  ): Promise<{ head: ObjectHead; body: Readable }> {
    const found = await this.#find(key);
    const expected = version ?? etag;
    if (!found) throw new RestorationError('source-gone', `Expected "${key}" in ${this.bucket}, found no such file.`);
    const { head, handle } = found;
    if ([version, etag].some((asked) => asked !== undefined && asked !== head.etag)) {
      await handle.close();
      throw new RestorationError(
        'source-gone',
        `Expected version ${expected} of "${key}" in ${this.bucket}, found ${head.etag}.`,
      );
    }
    return { head, body: this.#bodyOf(key, head, handle) };
  }

  /** Files that are being written while they are listed are left out: they are not there yet. */
  async *list(prefix: string): AsyncGenerator<ObjectInfo> {
    checkPrefix(prefix);
    await this.#prepare();
    for await (const { key, path } of walkFiles(this.bucket, prefix)) {
      const info = await this.#infoOf(key, path);
      if (info) yield info;
    }
  }

  async put(key: string, body: Buffer | Readable, options: PutOptions = {}): Promise<ObjectInfo> {
    let staged: string | undefined;
    try {
      const path = await this.#pathForWriting(key);
      checkPutOptions(key, options);
      const file = await stage(this.#own.tmp, body);
      staged = file.path;
      return await withLock(this.#own, lockOf(key), () => this.#commit(key, path, file, options));
    } catch (error) {
      if (staged) await rm(staged, { force: true });
      if (!Buffer.isBuffer(body)) body.destroy();
      throw fileError(error, `Writing "${key}" to ${this.bucket}`);
    }
  }

  async delete(key: string, { version }: { version?: string } = {}): Promise<void> {
    try {
      const path = await this.#pathForWriting(key);
      await withLock(this.#own, lockOf(key), async () => {
        if (version !== undefined && (await this.#etagOf(key, path)) !== version) return;
        if (!(await removeFile(path))) return;
        await syncFolder(dirname(path));
        await removeMetadata(this.#own, key);
        await this.#digests.forget(key);
      });
    } catch (error) {
      throw fileError(error, `Deleting "${key}" from ${this.bucket}`);
    }
  }

  /** Under the key's lock: checks the condition, then metadata first and the file's name last. */
  async #commit(
    key: string,
    path: string,
    { path: staged, size, sha256 }: { path: string; size: number; sha256: string },
    { contentType, metadata = {}, tags = {}, condition }: PutOptions,
  ): Promise<ObjectInfo> {
    const old = condition === undefined ? undefined : await this.#etagOf(key, path);
    if (condition === 'absent' && old !== undefined) throw conflict(key, 'no object', `the etag ${old}`);
    if (typeof condition === 'object' && old !== condition.etag) {
      throw conflict(key, `the etag ${condition.etag}`, old ? `the etag ${old}` : 'no object');
    }
    await writeMetadata(this.#own, key, sha256, { contentType, metadata, tags });
    await publishFile(staged, path, condition === 'absent' ? 'absent' : 'replace');
    await removeMetadata(this.#own, key, sha256);
    const { mtime } = await lstat(path);
    return { key, size, etag: sha256, version: sha256, lastModified: mtime.toISOString() };
  }

  /** The object with its file open for reading, so that both are the same whatever happens to the name meanwhile. */
  async #find(key: string): Promise<{ head: ObjectHead; handle: FileHandle } | undefined> {
    const path = pathOfKey(this.bucket, key);
    await this.#prepare();
    let handle: FileHandle | undefined;
    try {
      if (!(await staysInside(this.bucket, path))) return undefined;
      handle = await openFile(path);
      if (!handle) return undefined;
      const described = await describeObject(this.#digests, key, handle);
      if (!described) throw stillWritten(path);
      const { contentType, metadata } = await readMetadata(this.#own, key, described.sha256);
      return { head: { ...infoOf(key, described), contentType, metadata }, handle };
    } catch (error) {
      await handle?.close();
      if (isMissing(error)) return undefined;
      throw fileError(error, `Reading "${key}" from ${this.bucket}`);
    }
  }

  async #infoOf(key: string, path: string): Promise<ObjectInfo | undefined> {
    let handle: FileHandle | undefined;
    try {
      handle = await openFile(path);
      const described = handle && (await describeObject(this.#digests, key, handle));
      return described && infoOf(key, described);
    } catch (error) {
      const failure = fileError(error, `Reading "${key}" from ${this.bucket}`);
      // One file without permission must not hide the others: it is listed, and getting it says what is wrong.
      if (failure.code === 'source-unreadable') return await unreadableInfo(key, path);
      throw failure;
    } finally {
      await handle?.close();
    }
  }

  async #etagOf(key: string, path: string): Promise<string | undefined> {
    const handle = await openFile(path);
    if (!handle) return undefined;
    try {
      const described = await describeObject(this.#digests, key, handle);
      if (!described) throw stillWritten(path);
      return described.sha256;
    } finally {
      await handle.close();
    }
  }

  #bodyOf(key: string, head: ObjectHead, handle: FileHandle): Readable {
    const hash = createHash('sha256');
    return checkedBody(handle.createReadStream({ start: 0 }), {
      chunk: (bytes) => hash.update(bytes),
      end: () => {
        if (hash.digest('hex') === head.etag) return;
        // Whatever made the digest wrong, the next reader computes it anew.
        void this.#digests.forget(key).catch(() => undefined);
        throw stillWritten(`"${key}" in ${this.bucket}`);
      },
      failed: (cause) => fileError(cause, `Reading "${key}" from ${this.bucket}`),
    });
  }

  async #pathForWriting(key: string): Promise<string> {
    const path = pathOfKey(this.bucket, key);
    if (this.#readOnly) {
      throw new RestorationError(
        'invalid-configuration',
        `Expected a store that may be written for "${key}", ${this.bucket} is opened for reading only.`,
      );
    }
    await mkdir(this.bucket, { recursive: true });
    await this.#prepare();
    if (await staysInside(this.bucket, path)) return path;
    throw new RestorationError('invalid-request', `"${key}" leads out of ${this.bucket} through a symbolic link.`);
  }

  /** Once per store: takes away what killed processes left. */
  #prepare(): Promise<void> {
    if (this.#readOnly) return Promise.resolve();
    this.#ready ??= this.#cleanUp().catch((error: unknown) => {
      this.#ready = undefined;
      throw error;
    });
    return this.#ready;
  }

  async #cleanUp(): Promise<void> {
    try {
      await breakDeadLocks(this.#own);
      await removeLeftovers(this.#own.tmp);
    } catch (error) {
      // A folder that may only be read is still good to read from.
      const failure = fileError(error, `Cleaning ${dirname(this.#own.tmp)}`);
      if (failure.code !== 'source-unreadable') throw failure;
    }
  }
}

/** @returns false where there was no file */
async function removeFile(path: string): Promise<boolean> {
  try {
    await unlink(path);
    return true;
  } catch (error) {
    if (isMissing(error)) return false;
    const isFolder = systemCode(error) === 'EISDIR' || (await lstat(path)).isDirectory();
    if (isFolder) return false;
    throw error;
  }
}

function lockOf(key: string): string {
  return basename(hashedPath('', key));
}

function conflict(key: string, expected: string, found: string): RestorationError {
  return new RestorationError('store-conflict', `Putting "${key}": expected ${expected} there, found ${found}.`);
}
