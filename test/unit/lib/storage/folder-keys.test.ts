import { Readable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FolderStore } from '../../../../functions/lib/storage/folder-store.ts';
import { drop } from '../../../support/dropped-files.ts';
import { expectCode, keysOf } from '../../../support/store-under-test.ts';
import { temporaryFolder } from '../../../support/temporary-folder.ts';

let root: string;
let store: FolderStore;
let dispose: () => Promise<void>;
beforeEach(async () => {
  ({ path: root, dispose } = await temporaryFolder());
  store = new FolderStore({ root });
});
afterEach(() => dispose());

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
    await drop(root, 'file', 'x');
    await drop(root, 'folder/inside', 'x');
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
    await drop(root, '..leading', 'x');
    expect(await keysOf(store, '..')).toEqual(['..leading']);
  });
});
