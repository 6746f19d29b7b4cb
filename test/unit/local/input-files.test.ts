import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { collectInputs, inputStore, refuseCollisions, uploadsOf } from '../../../functions/local/input-files.ts';

const pngMagic = Buffer.from('89504e470d0a1a0a0000000d49484452', 'hex');

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'inputs-'));
});
afterEach(() => rm(root, { recursive: true }));

async function put(path: string, content: string | Buffer = 'x') {
  await mkdir(join(root, path, '..'), { recursive: true });
  await writeFile(join(root, path), content);
}

describe('collectInputs', () => {
  it('takes image extensions and image magic from a folder, and counts the rest', async () => {
    await put('in/a.jpg');
    await put('in/sub dir/b.HEIC');
    await put('in/no-extension', pngMagic);
    await put('in/notes.txt');
    const { files, ignored } = await collectInputs([join(root, 'in')]);
    expect([...files.keys()].sort()).toEqual(['a.jpg', 'no-extension', 'sub dir/b.HEIC']);
    expect(ignored).toEqual([join(root, 'in/notes.txt')]);
  });

  it('always takes a file that is named outright', async () => {
    await put('notes.txt');
    const { files } = await collectInputs([join(root, 'notes.txt')]);
    expect([...files.keys()]).toEqual(['notes.txt']);
  });

  it('walks a folder named like a picture', async () => {
    await put('in/dir.jpg/a.jpg');
    const { files } = await collectInputs([join(root, 'in')]);
    expect([...files.keys()]).toEqual(['dir.jpg/a.jpg']);
  });

  it('does not walk the output where it lies inside the input, nor a store’s own folder', async () => {
    await put('in/a.jpg');
    await put('in/out/a.jpg');
    await put('in/.iqpir/tmp/a.jpg');
    const { files } = await collectInputs([join(root, 'in')], join(root, 'in/out'));
    expect([...files.keys()]).toEqual(['a.jpg']);
  });

  it('leaves broken links and links to folders alone', async () => {
    await put('in/a.jpg');
    await symlink(join(root, 'nowhere.jpg'), join(root, 'in/broken.jpg'));
    await symlink(join(root, 'in'), join(root, 'in/loop.jpg'));
    const { files } = await collectInputs([join(root, 'in')]);
    expect([...files.keys()]).toEqual(['a.jpg']);
  });

  it('refuses an output that is the input or the folder of one, an input that is missing, and inputs that share a name', async () => {
    await put('one/a.jpg');
    await put('two/a.jpg');
    const [one, two] = [join(root, 'one'), join(root, 'two')];
    const misuse = { code: 'invalid-configuration' };
    await expect(collectInputs([one], one)).rejects.toMatchObject(misuse);
    await expect(collectInputs([join(one, 'a.jpg')], one)).rejects.toMatchObject(misuse);
    await expect(collectInputs([join(root, 'three')])).rejects.toMatchObject(misuse);
    await expect(collectInputs([one, two])).rejects.toMatchObject(misuse);
  });
});

describe('refuseCollisions', () => {
  it('lets pictures pass that keep names of their own', () => {
    expect(() => refuseCollisions(['a.jpg', 'a.png', 'b.gif'], 'same')).not.toThrow();
  });

  it.each([
    [['a.jpg', 'a.png'], 'webp'],
    [['a.gif', 'a.png'], 'same'],
    [['records/a.jpg'], 'same'],
  ] as const)('refuses %s with --format %s', (keys, format) => {
    expect(() => refuseCollisions(keys, format)).toThrow(expect.objectContaining({ code: 'invalid-configuration' }));
  });
});

describe('uploadsOf', () => {
  it('names a version by its content and orders versions by time', async () => {
    await put('a.jpg', 'abc');
    const [upload] = await uploadsOf(new Map([['a.jpg', join(root, 'a.jpg')]]), root);
    expect(upload?.version).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
    expect(upload?.sequencer).toMatch(/^[0-9a-f]{16}$/);
    expect(upload?.size).toBe(3);
  });
});

describe('inputStore', () => {
  it('gives the bytes of the version that was found, and no other', async () => {
    await put('a.jpg', 'abc');
    const files = new Map([['a.jpg', join(root, 'a.jpg')]]);
    const [upload] = await uploadsOf(files, root);
    const store = inputStore(root, files);
    const { head, body } = await store.get('a.jpg', { version: upload?.version });
    expect(await buffer(body)).toEqual(Buffer.from('abc'));
    expect(head.size).toBe(3);
    await put('a.jpg', 'changed');
    await expect(store.get('a.jpg', { version: upload?.version })).rejects.toMatchObject({ code: 'source-gone' });
  });
});
