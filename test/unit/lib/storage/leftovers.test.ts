import { mkdir, readdir, rename, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { bookkeepingOf } from '../../../../functions/lib/storage/bookkeeping.ts';
import { hashedPath } from '../../../../functions/lib/storage/digest-cache.ts';
import { FolderStore } from '../../../../functions/lib/storage/folder-store.ts';
import { readMetadata, writeMetadata } from '../../../../functions/lib/storage/metadata-files.ts';
import { newToken } from '../../../../functions/lib/storage/process-token.ts';
import { drop, helloHash, setAge } from '../../../support/dropped-files.ts';
import { temporaryFolder } from '../../../support/temporary-folder.ts';

let root: string;
let store: FolderStore;
let dispose: () => Promise<void>;
beforeEach(async () => {
  ({ path: root, dispose } = await temporaryFolder());
  store = new FolderStore({ root });
});
afterEach(() => dispose());

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
    await rename(await drop(root, 'b', 'hello'), join(root, 'a'));
    expect((await store.head('a'))?.metadata).toEqual({ of: 'new' });
    await store.put('a', Buffer.from('newer'));
    expect((await readMetadata(own, 'a', helloHash)).metadata).toEqual({});
  });

  it('is not taken for metadata where it is half a file', async () => {
    const own = bookkeepingOf(root);
    await drop(root, 'a', 'hello');
    const path = `${hashedPath(own.metadata, 'a')}.${helloHash}.json`;
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, '{"key":"a","sha2');
    expect((await store.head('a'))?.metadata).toEqual({});
  });
});
