import { readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FolderStore } from '../../../../functions/lib/storage/folder-store.ts';
import { drop } from '../../../support/dropped-files.ts';
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
    await drop(root, 'album/one.jpg', 'x');
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
    await drop(root, 'a', 'x');
    await symlink(root, join(outside.path, 'bucket'));
    const linked = new FolderStore({ root: join(outside.path, 'bucket') });
    expect(await keysOf(linked, '')).toEqual(['a']);
    await linked.put('b', Buffer.from('y'));
    expect(await keysOf(store, '')).toEqual(['a', 'b']);
  });
});
