import { chmod, mkdir, open, readdir, readFile, rename, stat, symlink, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { bookkeepingOf } from '../../../../functions/lib/storage/bookkeeping.ts';
import { describeFile, sequencerOf } from '../../../../functions/lib/storage/describe-file.ts';
import { hashedPath } from '../../../../functions/lib/storage/digest-cache.ts';
import { FolderStore } from '../../../../functions/lib/storage/folder-store.ts';
import { readMetadata, writeMetadata } from '../../../../functions/lib/storage/metadata-files.ts';
import { newToken } from '../../../../functions/lib/storage/process-token.ts';
import { asNobody } from '../../../support/as-nobody.ts';
import { describeStoreContract, expectCode, keysOf, textOf } from '../../../support/store-contract.ts';
import { temporaryFolder } from '../../../support/temporary-folder.ts';

/** sha256 of "hello" */
const helloHash = '2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824';

describeStoreContract('FolderStore', async () => {
  const { path, dispose } = await temporaryFolder();
  const bucket = join(path, 'bucket');
  const store = new FolderStore({ root: bucket });
  return {
    store,
    other: new FolderStore({ root: bucket }),
    keepsVersions: false,
    extraKeys: ['x'.repeat(255), `${'long/'.repeat(400)}file.jpg`],
    async tagsOf(key) {
      const head = await store.head(key);
      return (await readMetadata(bookkeepingOf(bucket), key, head?.etag ?? '')).tags;
    },
    dispose,
  };
});

let root: string;
let store: FolderStore;
let dispose: () => Promise<void>;
beforeEach(async () => {
  ({ path: root, dispose } = await temporaryFolder());
  store = new FolderStore({ root });
});
afterEach(() => dispose());

async function drop(key: string, content: string | Buffer): Promise<string> {
  const path = join(root, key);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, content);
  return path;
}

async function setAge(path: string, seconds: number): Promise<void> {
  const time = Date.now() / 1000 - seconds;
  await utimes(path, time, time);
}

describe('A folder into which people copy files', () => {
  it('has them as objects, with the sha256 as version and etag and the time of the file', async () => {
    const path = await drop('uploads/summer 2024/a.jpg', 'hello');
    await setAge(path, 3600);
    const lastModified = new Date((await stat(path)).mtimeMs).toISOString();
    const expected = { key: 'uploads/summer 2024/a.jpg', size: 5, version: helloHash, etag: helloHash, lastModified };
    expect(await store.head('uploads/summer 2024/a.jpg')).toEqual({ ...expected, metadata: {} });
    expect(await textOf((await store.get('uploads/summer 2024/a.jpg', { version: helloHash })).body)).toBe('hello');
    for await (const info of store.list('')) expect(info).toEqual(expected);
  });

  it('gives a replaced file a new version, and the old one is source-gone', async () => {
    const { version } = await store.put('a', Buffer.from('hello'), { metadata: { by: 'program' } });
    await drop('a', 'HELLO');
    const head = await store.head('a');
    expect(head?.version).not.toBe(version);
    expect(head?.metadata).toEqual({});
    await expectCode(store.get('a', { version }), 'source-gone');
    await expectCode(store.put('a', Buffer.from('x'), { condition: { etag: version ?? '' } }), 'store-conflict');
    await expectCode(store.put('a', Buffer.from('x'), { condition: 'absent' }), 'store-conflict');
  });

  it('notices other bytes of the same length at once, and with the old time set again', async () => {
    const path = await drop('a', 'hello');
    await setAge(path, 60);
    await pause(2100);
    expect((await store.head('a'))?.version).toBe(helloHash);
    const { mtimeMs } = await stat(path);
    await writeFile(path, 'HELLO');
    await utimes(path, mtimeMs / 1000, mtimeMs / 1000);
    expect((await store.head('a'))?.version).not.toBe(helloHash);
  });

  it('fails a read whose file is written to meanwhile, instead of giving a mixture', async () => {
    const path = await drop('large', Buffer.alloc(4 << 20, 'a'));
    const { body } = await store.get('large');
    const file = await open(path, 'r+');
    await file.write('b', (4 << 20) - 1);
    await file.close();
    const error = await expectCode(buffer(body), 'store-unavailable');
    expect(error.message).toContain('changed while it was read');
  });

  it('does not list a file that is being written, and lists the others', async () => {
    await drop('finished', 'x');
    const path = await drop('growing', Buffer.alloc(64 << 20));
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
    const path = await drop('a', 'from tomorrow');
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
    await setAge(await drop('a', 'hello'), 60);
    await pause(2100);
    await store.head('a');
    const remembered = (await readFile(entryOf('a'), 'utf8')).replace(helloHash, 'f'.repeat(64));
    await writeFile(entryOf('a'), remembered);
    expect((await new FolderStore({ root }).head('a'))?.version).toBe('f'.repeat(64));
  });

  it('are not trusted for files of the last 2 seconds', async () => {
    await drop('a', 'hello');
    await store.head('a');
    await expect(readFile(entryOf('a'))).rejects.toThrow('ENOENT');
  });

  it('are forgotten when the bytes say otherwise', async () => {
    await setAge(await drop('a', 'hello'), 60);
    await pause(2100);
    await store.head('a');
    await writeFile(entryOf('a'), (await readFile(entryOf('a'), 'utf8')).replace(helloHash, 'f'.repeat(64)));
    await expectCode(buffer((await store.get('a')).body), 'store-unavailable');
    await pause(50);
    expect(await textOf((await store.get('a')).body)).toBe('hello');
  });

  it('are computed again where half an entry is found', async () => {
    await setAge(await drop('a', 'hello'), 60);
    await mkdir(dirname(entryOf('a')), { recursive: true });
    await writeFile(entryOf('a'), '{"key":"a","si');
    expect((await store.head('a'))?.version).toBe(helloHash);
  });
});

describe('Keys of a folder', () => {
  it.each([
    ['', 'empty'],
    ['/absolute', 'empty segment'],
    ['a//b', 'empty segment'],
    ['a/', 'empty segment'],
    ['..', 'no name'],
    ['a/../../b', 'no name'],
    ['./a', 'no name'],
    ['a/.', 'no name'],
    ['nul\0', 'NUL'],
    ['half a pair \ud800', 'Unicode'],
    [`${'é'.repeat(128)}`, 'up to 255 bytes'],
    ['.iqpir', 'keeps for itself'],
    ['.iqpir/locks/x', 'keeps for itself'],
    ['.iqpir/tmp/x', 'keeps for itself'],
  ])('refuse %j', async (key, why) => {
    for (const action of [
      () => store.head(key),
      () => store.get(key),
      () => store.put(key, Readable.from(['x'])),
      () => store.delete(key),
    ]) {
      const { message } = await expectCode(action(), 'invalid-request');
      expect(message).toContain(why);
      expect(message).toContain(`"${key}"`);
    }
  });

  it('refuse a path that is longer than the system takes, clearly', async () => {
    const key = `${'x'.repeat(200)}/`.repeat(30);
    await expectCode(store.put(`${key}a`, Buffer.from('x')), 'invalid-request');
  });

  it('may lie in .iqpir where the store keeps nothing of its own, and only a listing of it shows them', async () => {
    await store.put('.iqpir/manifests/2026-01-01/a.json', Buffer.from('{}'), { condition: 'absent' });
    await store.put('a', Buffer.from('x'), { metadata: { a: '1' } });
    expect(await keysOf(store, '')).toEqual(['a']);
    expect(await keysOf(store, '.iqpir/')).toEqual(['.iqpir/manifests/2026-01-01/a.json']);
    expect(await keysOf(store, '.iqpir/metadata/')).toEqual([]);
  });

  it('that need a folder where a file is, or a file where a folder is, are an output-collision', async () => {
    await drop('file', 'x');
    await drop('folder/inside', 'x');
    for (const condition of ['absent', undefined] as const) {
      await expectCode(store.put('file/below', Buffer.from('x'), { condition }), 'output-collision');
      await expectCode(store.put('folder', Buffer.from('x'), { condition }), 'output-collision');
    }
    expect(await store.head('file/below')).toBeUndefined();
    expect(await keysOf(store, '')).toEqual(['file', 'folder/inside']);
  });

  it('refuse a prefix that leads out', async () => {
    await expectCode(keysOf(store, '../'), 'invalid-request');
    await expectCode(keysOf(store, '/etc/'), 'invalid-request');
    await drop('..leading', 'x');
    expect(await keysOf(store, '..')).toEqual(['..leading']);
  });
});

describe('Symbolic links in a folder', () => {
  let outside: Awaited<ReturnType<typeof temporaryFolder>>;
  beforeEach(async () => {
    outside = await temporaryFolder();
    await writeFile(join(outside.path, 'secret.jpg'), 'secret');
  });
  afterEach(() => outside.dispose());

  it('to folders outside are not followed, neither to read nor to write', async () => {
    await symlink(outside.path, join(root, 'out'));
    expect(await keysOf(store, '')).toEqual([]);
    expect(await keysOf(store, 'out/')).toEqual([]);
    expect(await store.head('out/secret.jpg')).toBeUndefined();
    await expectCode(store.get('out/secret.jpg'), 'source-gone');
    await expectCode(store.put('out/new/file.jpg', Buffer.from('x')), 'invalid-request');
    await expectCode(store.delete('out/secret.jpg'), 'invalid-request');
    expect(await readdir(outside.path)).toEqual(['secret.jpg']);
  });

  it('to folders inside are followed, but not in circles', async () => {
    await drop('album/one.jpg', 'x');
    await symlink(join(root, 'album'), join(root, 'linked'));
    await symlink(root, join(root, 'album', 'up'));
    expect(await keysOf(store, '')).toEqual(['album/one.jpg', 'linked/one.jpg']);
    expect(await keysOf(store, 'album/')).toEqual(['album/one.jpg']);
    expect(await textOf((await store.get('linked/one.jpg')).body)).toBe('x');
  });

  it('to files are read, replaced by puts and removed by deletes, never written through', async () => {
    await symlink(join(outside.path, 'secret.jpg'), join(root, 'a.jpg'));
    await symlink('nowhere', join(root, 'dangling.jpg'));
    expect(await keysOf(store, '')).toEqual(['a.jpg']);
    expect(await textOf((await store.get('a.jpg')).body)).toBe('secret');
    expect(await store.head('dangling.jpg')).toBeUndefined();
    await store.put('a.jpg', Buffer.from('mine'));
    await store.put('dangling.jpg', Buffer.from('mine'));
    expect(await readFile(join(outside.path, 'secret.jpg'), 'utf8')).toBe('secret');
    expect(await readFile(join(root, 'dangling.jpg'), 'utf8')).toBe('mine');
  });

  it('as the root itself are followed', async () => {
    await drop('a', 'x');
    await symlink(root, join(outside.path, 'bucket'));
    const linked = new FolderStore({ root: join(outside.path, 'bucket') });
    expect(await keysOf(linked, '')).toEqual(['a']);
    await linked.put('b', Buffer.from('y'));
    expect(await keysOf(store, '')).toEqual(['a', 'b']);
  });
});

describe('What killed processes leave in a folder', () => {
  it('is removed at the first use, and what living ones write stays', async () => {
    const { tmp } = bookkeepingOf(root);
    await mkdir(tmp, { recursive: true });
    const living = newToken();
    const dead = newToken().replace(/-\d+-/, '-4194304-');
    await writeFile(join(tmp, living), 'x');
    await writeFile(join(tmp, dead), 'x');
    await store.head('anything');
    expect(await readdir(tmp)).toEqual([living]);
  });

  it('is removed after an hour where another machine wrote it', async () => {
    const { tmp } = bookkeepingOf(root);
    await mkdir(tmp, { recursive: true });
    const tokens = [newToken(), newToken()].map((token) => token.replace(/^\w{8}/, '00000000'));
    for (const token of tokens) await writeFile(join(tmp, token), 'x');
    await setAge(join(tmp, tokens[0] ?? ''), 3700);
    await store.head('anything');
    expect(await readdir(tmp)).toEqual([tokens[1]]);
  });

  it('never gives an object the metadata of bytes that were not published', async () => {
    const own = bookkeepingOf(root);
    const { etag } = await store.put('a', Buffer.from('old'), { metadata: { of: 'old' }, contentType: 'text/plain' });
    await writeMetadata(own, 'a', helloHash, { metadata: { of: 'new' }, tags: {} });
    expect(await store.head('a')).toMatchObject({ etag, metadata: { of: 'old' }, contentType: 'text/plain' });
    await rename(await drop('b', 'hello'), join(root, 'a'));
    expect((await store.head('a'))?.metadata).toEqual({ of: 'new' });
    await store.put('a', Buffer.from('newer'));
    expect((await readMetadata(own, 'a', helloHash)).metadata).toEqual({});
  });

  it('is not taken for metadata where it is half a file', async () => {
    const own = bookkeepingOf(root);
    await drop('a', 'hello');
    const path = `${hashedPath(own.metadata, 'a')}.${helloHash}.json`;
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, '{"key":"a","sha2');
    expect((await store.head('a'))?.metadata).toEqual({});
  });
});

describe('A folder without permission', () => {
  beforeEach(() => chmod(root, 0o755));

  it('is source-unreadable for the file that may not be read, and lists it beside the others', async () => {
    const path = await drop('locked.jpg', 'hello');
    await drop('open.jpg', 'hello');
    await chmod(path, 0o000);
    await asNobody(async () => {
      const error = await expectCode(store.get('locked.jpg'), 'source-unreadable');
      expect(error.cause).toMatchObject({ code: 'EACCES' });
      await expectCode(store.head('locked.jpg'), 'source-unreadable');
      expect(await keysOf(store, '')).toEqual(['locked.jpg', 'open.jpg']);
    });
  });

  it('lists all it can before it says which folders it could not', async () => {
    await drop('locked/a.jpg', 'x');
    await drop('open/a.jpg', 'x');
    await chmod(join(root, 'locked'), 0o000);
    const keys: string[] = [];
    await asNobody(async () => {
      const listing = async () => {
        for await (const { key } of store.list('')) keys.push(key);
      };
      const error = await expectCode(listing(), 'source-unreadable');
      expect(error.message).toContain('1 of the folders');
    });
    await chmod(join(root, 'locked'), 0o755);
    expect(keys).toEqual(['open/a.jpg']);
  });

  it('can be read where it may not be written, and puts are source-unreadable', async () => {
    const path = await drop('a.jpg', 'hello');
    await setAge(path, 60);
    await chmod(root, 0o555);
    await asNobody(async () => {
      expect((await store.head('a.jpg'))?.version).toBe(helloHash);
      expect(await keysOf(store, '')).toEqual(['a.jpg']);
      await expectCode(store.put('b.jpg', Buffer.from('x')), 'source-unreadable');
      await expectCode(store.delete('a.jpg'), 'source-unreadable');
    });
    await chmod(root, 0o755);
  });
});

describe('A store that is opened for reading only', () => {
  it('writes nothing into the folder and refuses to', async () => {
    await setAge(await drop('a', 'hello'), 60);
    const readOnly = new FolderStore({ root, readOnly: true });
    expect((await readOnly.head('a'))?.version).toBe(helloHash);
    expect(await keysOf(readOnly, '')).toEqual(['a']);
    expect(await textOf((await readOnly.get('a')).body)).toBe('hello');
    await expectCode(readOnly.put('b', Buffer.from('x')), 'invalid-configuration');
    await expectCode(readOnly.delete('a'), 'invalid-configuration');
    expect(await readdir(root)).toEqual(['a']);
  });

  it('of a folder that does not exist is empty', async () => {
    const missing = new FolderStore({ root: join(root, 'missing'), readOnly: true });
    expect(await keysOf(missing, '')).toEqual([]);
    expect(await missing.head('a')).toBeUndefined();
    await expectCode(missing.get('a'), 'source-gone');
  });
});
