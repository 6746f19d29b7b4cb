import { mkdir, open, readFile, stat, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { bookkeepingOf } from '../../../../functions/lib/storage/bookkeeping.ts';
import { describeFile, sequencerOf } from '../../../../functions/lib/storage/describe-file.ts';
import { hashedPath } from '../../../../functions/lib/storage/digest-cache.ts';
import { FolderStore } from '../../../../functions/lib/storage/folder-store.ts';
import { drop, helloHash, setAge } from '../../../support/dropped-files.ts';
import { expectCode, keysOf, textOf } from '../../../support/store-under-test.ts';
import { temporaryFolder } from '../../../support/temporary-folder.ts';

let root: string;
let store: FolderStore;
let dispose: () => Promise<void>;
beforeEach(async () => {
  ({ path: root, dispose } = await temporaryFolder());
  store = new FolderStore({ root });
});
afterEach(() => dispose());

describe('A folder into which people copy files', () => {
  it('has them as objects, with the sha256 as version and etag and the time of the file', async () => {
    const path = await drop(root, 'uploads/summer 2024/a.jpg', 'hello');
    await setAge(path, 3600);
    const lastModified = new Date((await stat(path)).mtimeMs).toISOString();
    const expected = { key: 'uploads/summer 2024/a.jpg', size: 5, version: helloHash, etag: helloHash, lastModified };
    expect(await store.head('uploads/summer 2024/a.jpg')).toEqual({ ...expected, metadata: {} });
    expect(await textOf((await store.get('uploads/summer 2024/a.jpg', { version: helloHash })).body)).toBe('hello');
    for await (const info of store.list('')) expect(info).toEqual(expected);
  });

  it('gives a replaced file a new version, and the old one is source-gone', async () => {
    const { version } = await store.put('a', Buffer.from('hello'), { metadata: { by: 'program' } });
    await drop(root, 'a', 'HELLO');
    const head = await store.head('a');
    expect(head?.version).not.toBe(version);
    expect(head?.metadata).toEqual({});
    await expectCode(store.get('a', { version }), 'source-gone');
    await expectCode(store.put('a', Buffer.from('x'), { condition: { etag: version ?? '' } }), 'store-conflict');
    await expectCode(store.put('a', Buffer.from('x'), { condition: 'absent' }), 'store-conflict');
  });

  it('notices other bytes of the same length at once, and with the old time set again', async () => {
    const path = await drop(root, 'a', 'hello');
    await setAge(path, 60);
    await pause(2100);
    expect((await store.head('a'))?.version).toBe(helloHash);
    const { mtimeMs } = await stat(path);
    await writeFile(path, 'HELLO');
    await utimes(path, mtimeMs / 1000, mtimeMs / 1000);
    expect((await store.head('a'))?.version).not.toBe(helloHash);
  });

  it('fails a read whose file is written to meanwhile, instead of giving a mixture', async () => {
    const path = await drop(root, 'large', Buffer.alloc(4 << 20, 'a'));
    const { body } = await store.get('large');
    const file = await open(path, 'r+');
    await file.write('b', (4 << 20) - 1);
    await file.close();
    const error = await expectCode(buffer(body), 'store-unavailable');
    expect(error.message).toContain('changed while it was read');
  });

  it('does not list a file that is being written, and lists the others', async () => {
    await drop(root, 'finished', 'x');
    const path = await drop(root, 'growing', Buffer.alloc(64 << 20));
    const file = await open(path, 'a');
    let isWriting = true;
    const writing = (async () => {
      while (isWriting) await file.write(Buffer.alloc(100));
    })();
    const keys = await keysOf(store, '');
    isWriting = false;
    await writing;
    await file.close();
    expect(keys).toEqual(['finished']);
    expect(await keysOf(store, '')).toEqual(['finished', 'growing']);
  });

  it('orders puts by time, whatever time the replaced file claims', async () => {
    const path = await drop(root, 'a', 'from tomorrow');
    await setAge(path, -86_400);
    let before = (await describeFile(path)).mtimeNs;
    for (let put = 0; put < 5; put += 1) {
      await store.put('a', Buffer.from(`${put}`));
      const { mtimeNs } = await describeFile(path);
      expect(sequencerOf(mtimeNs) > sequencerOf(before)).toBe(true);
      before = mtimeNs;
    }
  });

  it('does not list pipes, and getting one is no waiting', async () => {
    const { execFileSync } = await import('node:child_process');
    execFileSync('mkfifo', [join(root, 'pipe')]);
    expect(await keysOf(store, '')).toEqual([]);
    await expectCode(store.get('pipe'), 'source-gone');
  });
});

describe('The digests of a folder', () => {
  const entryOf = (key: string) => `${hashedPath(bookkeepingOf(root).digests, key)}.json`;

  it('are remembered for files that have rested, so that no file is read twice', async () => {
    await setAge(await drop(root, 'a', 'hello'), 60);
    await pause(2100);
    await store.head('a');
    const remembered = (await readFile(entryOf('a'), 'utf8')).replace(helloHash, 'f'.repeat(64));
    await writeFile(entryOf('a'), remembered);
    expect((await new FolderStore({ root }).head('a'))?.version).toBe('f'.repeat(64));
  });

  it('are not trusted for files of the last 2 seconds', async () => {
    await drop(root, 'a', 'hello');
    await store.head('a');
    await expect(readFile(entryOf('a'))).rejects.toThrow('ENOENT');
  });

  it('are forgotten when the bytes say otherwise', async () => {
    await setAge(await drop(root, 'a', 'hello'), 60);
    await pause(2100);
    await store.head('a');
    await writeFile(entryOf('a'), (await readFile(entryOf('a'), 'utf8')).replace(helloHash, 'f'.repeat(64)));
    await expectCode(buffer((await store.get('a')).body), 'store-unavailable');
    await pause(50);
    expect(await textOf((await store.get('a')).body)).toBe('hello');
  });

  it('are computed again where half an entry is found', async () => {
    await setAge(await drop(root, 'a', 'hello'), 60);
    await mkdir(dirname(entryOf('a')), { recursive: true });
    await writeFile(entryOf('a'), '{"key":"a","si');
    expect((await store.head('a'))?.version).toBe(helloHash);
  });
});
