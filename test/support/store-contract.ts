import { buffer } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ObjectStore } from '../../functions/lib/storage/store.ts';
import { describeStreams } from './store-contract-streams.ts';
import { describeWriters } from './store-contract-writers.ts';
import { expectCode, keysOf, type StoreUnderTest, textOf } from './store-under-test.ts';

const oddKeys = [
  'with space and  two.jpg',
  'a+b.jpg',
  '%2B%20%%%.png',
  'Zürich NFC \u00e9.jpg'.normalize('NFC'),
  'Zürich NFD \u00e9.jpg'.normalize('NFD'),
  'same name \u00e9.jpg',
  'same name e\u0301.jpg',
  '日本/写真 🖼️.webp',
  `#?&'".jpg`,
  'a;b,c=d$e@f!g(h)*[i]{j}~^`|<k>\\l.jpg',
  '.hidden/..leading.dots',
  'trailing.dots...',
  'no-extension',
  'deep/er/and/deep/er/still.jpg',
  '__proto__',
  'line\nbreak.jpg',
];

/** What every store promises, whatever it is built on. `makeStore` gives a new, empty one. */
export function describeStoreContract(name: string, makeStore: () => Promise<StoreUnderTest>): void {
  describe(`${name} keeps the contract of a store`, () => {
    let made: StoreUnderTest;
    let store: ObjectStore;
    beforeEach(async () => {
      made = await makeStore();
      store = made.store;
    });
    afterEach(() => made.dispose());
    describeStreams(() => made);
    describeWriters(() => made);

    it('gives back the bytes that were put, with their size, etag and time', async () => {
      const before = Date.now() - 2000;
      const put = await store.put('a/b.txt', Buffer.from('hello'));
      const { head, body } = await store.get('a/b.txt');
      expect(await textOf(body)).toBe('hello');
      expect(head).toMatchObject({ key: 'a/b.txt', size: 5, etag: put.etag, version: put.version });
      expect(put).toMatchObject({ key: 'a/b.txt', size: 5 });
      expect(head.etag).not.toContain('"');
      expect(new Date(head.lastModified).toISOString()).toBe(head.lastModified);
      expect(Date.parse(head.lastModified)).toBeGreaterThanOrEqual(before);
      expect(await store.head('a/b.txt')).toEqual(head);
    });

    it('has no head of what is not there, and getting it is source-gone', async () => {
      expect(await store.head('nothing')).toBeUndefined();
      await expectCode(store.get('nothing'), 'source-gone');
    });

    it('has nothing to give of a folder', async () => {
      await store.put('folder/file', Buffer.from('x'));
      expect(await store.head('folder')).toBeUndefined();
      await expectCode(store.get('folder'), 'source-gone');
      await store.delete('folder');
      expect(await keysOf(store, '')).toEqual(['folder/file']);
    });

    it('deletes, and deleting what is not there is no error', async () => {
      await store.put('gone', Buffer.from('x'));
      await store.delete('gone');
      await store.delete('gone');
      await store.delete('never/was');
      expect(await store.head('gone')).toBeUndefined();
    });

    it('deletes by version that one alone, and leaves what was put since', async () => {
      const first = await store.put('a', Buffer.from('1'));
      const second = await store.put('a', Buffer.from('2'));
      await store.delete('a', { version: first.version });
      expect(await textOf((await store.get('a')).body)).toBe('2');
      await store.delete('a', { version: second.version });
      await store.delete('a', { version: second.version });
      expect(await store.head('a')).toBeUndefined();
    });

    it('takes a name again for a file where a deleted folder was', async () => {
      await store.put('name/inside', Buffer.from('x'));
      await store.delete('name/inside');
      await store.put('name', Buffer.from('y'), { condition: 'absent' });
      expect(await keysOf(store, '')).toEqual(['name']);
    });

    it('lists by prefix, through folders, in the order of UTF-8 bytes', async () => {
      const keys = [
        'b/a.jpg',
        'b/a/z',
        'b/a0',
        'b-c',
        'b.c',
        'a',
        'é',
        '\u{1F5BC}',
        '\uFF5E',
        'B',
        'b/\u00e9/1',
        'b/Z/1',
      ];
      for (const key of keys) await store.put(key, Buffer.from(key));
      const ordered = [...keys].sort((x, y) => Buffer.compare(Buffer.from(x), Buffer.from(y)));
      expect(await keysOf(store, '')).toEqual(ordered);
      expect(await keysOf(store, 'b/a')).toEqual(['b/a.jpg', 'b/a/z', 'b/a0']);
      expect(await keysOf(store, 'b/')).toEqual(ordered.filter((key) => key.startsWith('b/')));
      expect(await keysOf(store, 'b/a/z')).toEqual(['b/a/z']);
      expect(await keysOf(store, 'none/')).toEqual([]);
    });

    it('lists what head tells', async () => {
      const { etag } = await store.put('a', Buffer.from('12345'));
      for await (const info of store.list('')) {
        expect(info).toMatchObject({ key: 'a', size: 5, etag });
        // S3 tells a head's time in whole seconds.
        expect(info.lastModified.slice(0, 19)).toBe((await store.head('a'))?.lastModified.slice(0, 19));
      }
    });

    it('keeps content type, metadata and tags with the bytes they were put with', async () => {
      const metadata = { 'source-version': 'abc.123_x', settings: 'with blanks, and "quotes" = 1' };
      const tags = { status: 'succeeded', 'quality band': 'high/1+1' };
      await store.put('a.json', Buffer.from('{}'), { contentType: 'application/json', metadata, tags });
      expect(await store.head('a.json')).toMatchObject({ contentType: 'application/json', metadata });
      expect((await finished(store.get('a.json'))).metadata).toEqual(metadata);
      expect(await made.tagsOf('a.json')).toEqual(tags);

      await store.put('a.json', Buffer.from('{}'));
      expect((await store.head('a.json'))?.metadata).toEqual({});
      expect(await made.tagsOf('a.json')).toEqual({});
      await store.put('a.json', Buffer.from('[]'), { metadata: { other: '1' } });
      expect((await store.head('a.json'))?.metadata).toEqual({ other: '1' });
    });

    it.each([
      ['a name in upper case', { metadata: { Source: 'x' } }],
      ['a value that is no ASCII', { metadata: { source: 'Zürich' } }],
      ['a value with a line break', { metadata: { source: 'a\nb' } }],
      ['more than 2 KB of metadata', { metadata: { source: 'x'.repeat(2100) } }],
      ['eleven tags', { tags: Object.fromEntries([...'abcdefghijk'].map((tag) => [tag, '1'])) }],
      ['a tag with a star', { tags: { star: '*' } }],
    ])('refuses %s', async (_, options) => {
      await expectCode(store.put('refused', Buffer.from('x'), options), 'invalid-request');
      expect(await store.head('refused')).toBeUndefined();
    });

    it('keeps odd keys as they are', async () => {
      const keys = [...oddKeys, ...made.extraKeys];
      for (const key of keys) await store.put(key, Buffer.from(key), { condition: 'absent' });
      for (const key of keys) {
        const { head, body } = await store.get(key);
        expect(head.key).toBe(key);
        expect(await textOf(body)).toBe(key);
      }
      const ordered = [...keys].sort((x, y) => Buffer.compare(Buffer.from(x), Buffer.from(y)));
      expect(await keysOf(store, '')).toEqual(ordered);
      for (const key of keys) await store.delete(key);
      expect(await keysOf(store, '')).toEqual([]);
    });
  });
}

async function finished(reading: ReturnType<ObjectStore['get']>) {
  const { head, body } = await reading;
  await buffer(body);
  return head;
}
