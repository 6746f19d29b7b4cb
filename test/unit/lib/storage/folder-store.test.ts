import { chmod, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { bookkeepingOf } from '../../../../functions/lib/storage/bookkeeping.ts';
import { FolderStore } from '../../../../functions/lib/storage/folder-store.ts';
import { readMetadata } from '../../../../functions/lib/storage/metadata-files.ts';
import { asNobody } from '../../../support/as-nobody.ts';
import { drop, helloHash, setAge } from '../../../support/dropped-files.ts';
import { describeStoreContract } from '../../../support/store-contract.ts';
import { expectCode, keysOf, textOf } from '../../../support/store-under-test.ts';
import { temporaryFolder } from '../../../support/temporary-folder.ts';

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

describe('A folder without permission', () => {
  beforeEach(() => chmod(root, 0o755));

  it('is source-unreadable for the file that may not be read, and lists it beside the others', async () => {
    const path = await drop(root, 'locked.jpg', 'hello');
    await drop(root, 'open.jpg', 'hello');
    await chmod(path, 0o000);
    await asNobody(async () => {
      const error = await expectCode(store.get('locked.jpg'), 'source-unreadable');
      expect(error.cause).toMatchObject({ code: 'EACCES' });
      await expectCode(store.head('locked.jpg'), 'source-unreadable');
      expect(await keysOf(store, '')).toEqual(['locked.jpg', 'open.jpg']);
    });
  });

  it('lists all it can before it says which folders it could not', async () => {
    await drop(root, 'locked/a.jpg', 'x');
    await drop(root, 'open/a.jpg', 'x');
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
    const path = await drop(root, 'a.jpg', 'hello');
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
    await setAge(await drop(root, 'a', 'hello'), 60);
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
