import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { RestorationError } from '../../functions/lib/contracts/errors.ts';
import type { ObjectStore } from '../../functions/lib/storage/store.ts';

export interface StoreUnderTest {
  store: ObjectStore;
  /** A second writer to the same objects. */
  other: ObjectStore;
  /** Whether a version can still be read after the next one was put. */
  keepsVersions: boolean;
  /** Keys that only this store takes, or that only it is asked for. */
  extraKeys: string[];
  /** The port puts tags and never reads them, so the store's owner looks. */
  tagsOf(key: string): Promise<Record<string, string>>;
  dispose(): Promise<void>;
}

const megabyte = 1 << 20;

/** Memory that a stream of 200 MB may add: far below its size, above what the garbage collector leaves lying. */
const streamingAllowance = 110 * megabyte;

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

    it('takes streams, empty ones too', async () => {
      await store.put('streamed', Readable.from([Buffer.from('one '), Buffer.from('two')]));
      await store.put('empty-stream', Readable.from([]));
      await store.put('empty-buffer', Buffer.alloc(0));
      expect(await textOf((await store.get('streamed')).body)).toBe('one two');
      expect((await store.head('empty-stream'))?.size).toBe(0);
      expect(await textOf((await store.get('empty-buffer')).body)).toBe('');
    });

    it('puts nothing where the stream breaks', async () => {
      const broken = Readable.from(
        (async function* () {
          yield Buffer.alloc(megabyte);
          throw new Error('the camera was unplugged');
        })(),
      );
      await expect(store.put('broken', broken)).rejects.toThrow('the camera was unplugged');
      expect(await store.head('broken')).toBeUndefined();
      expect(await keysOf(store, '')).toEqual([]);
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

    it('puts only where nothing is, when asked to', async () => {
      await store.put('a', Buffer.from('first'), { condition: 'absent', metadata: { by: 'first' } });
      await expectCode(
        store.put('a', Readable.from([Buffer.from('second')]), { condition: 'absent', metadata: { by: 'second' } }),
        'store-conflict',
      );
      const { head, body } = await store.get('a');
      expect(await textOf(body)).toBe('first');
      expect(head.metadata).toEqual({ by: 'first' });
    });

    it('replaces only the object with the given etag, when asked to', async () => {
      const first = await store.put('a', Buffer.from('first'));
      const second = await store.put('a', Buffer.from('second'), { condition: { etag: first.etag } });
      await expectCode(store.put('a', Buffer.from('third'), { condition: { etag: first.etag } }), 'store-conflict');
      expect((await store.head('a'))?.etag).toBe(second.etag);
      await store.delete('a');
      await expectCode(store.put('a', Buffer.from('fourth'), { condition: { etag: second.etag } }), 'store-conflict');
      expect(await store.head('a')).toBeUndefined();
    });

    it('lets exactly one of 16 writers win who all put where nothing is', async () => {
      const puts = Array.from({ length: 16 }, (_, index) => {
        const writer = index % 2 ? made.other : store;
        return writer.put('race', Buffer.from(`writer ${index}`), {
          condition: 'absent',
          metadata: { writer: `${index}` },
        });
      });
      const winner = await onlyWinner(puts);
      const { head, body } = await store.get('race');
      expect(await textOf(body)).toBe(`writer ${winner}`);
      expect(head.metadata).toEqual({ writer: `${winner}` });
    });

    it('lets exactly one of 16 writers win who all replace the same object', async () => {
      const { etag } = await store.put('race', Buffer.from('before'));
      const puts = Array.from({ length: 16 }, (_, index) => {
        const writer = index % 2 ? made.other : store;
        return writer.put('race', Readable.from([Buffer.from(`writer ${index}`)]), { condition: { etag } });
      });
      const winner = await onlyWinner(puts);
      expect(await textOf((await store.get('race')).body)).toBe(`writer ${winner}`);
    });

    it('reads the version that was asked for, or says that it is gone', async () => {
      const first = await store.put('a', Buffer.from('first'));
      const second = await store.put('a', Buffer.from('second'));
      expect(second.version).not.toBe(first.version);
      expect(await textOf((await store.get('a', { version: second.version })).body)).toBe('second');
      expect((await store.head('a', { version: second.version }))?.etag).toBe(second.etag);
      if (made.keepsVersions) {
        expect(await textOf((await store.get('a', { version: first.version })).body)).toBe('first');
        expect((await store.head('a', { version: first.version }))?.etag).toBe(first.etag);
      } else {
        await expectCode(store.get('a', { version: first.version }), 'source-gone');
        expect(await store.head('a', { version: first.version })).toBeUndefined();
      }
    });

    it('reads only the etag that was asked for', async () => {
      const first = await store.put('a', Buffer.from('first'));
      expect(await textOf((await store.get('a', { etag: first.etag })).body)).toBe('first');
      await store.put('a', Buffer.from('second'));
      await expectCode(store.get('a', { etag: first.etag }), 'source-gone');
    });

    it('goes on giving the old bytes to a reader while the object is replaced', async () => {
      const old = Buffer.alloc(4 * megabyte, 'old');
      await store.put('a', old);
      const { body } = await store.get('a');
      await store.put('a', Buffer.from('new'));
      expect((await buffer(body)).equals(old)).toBe(true);
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

    it('streams 200 MB in and out without holding them', { timeout: 240_000 }, async () => {
      const chunks = 200;
      const rest = process.memoryUsage.rss();
      let peak = rest;
      const put = await store.put('large', megabytes(chunks), { condition: 'absent' });
      expect(put.size).toBe(chunks * megabyte);
      const { head, body } = await store.get('large', { version: put.version, etag: put.etag });
      expect(head.size).toBe(chunks * megabyte);
      let size = 0;
      for await (const chunk of body) {
        const expected = Math.floor(size / megabyte);
        if (chunk[0] !== expected) throw new Error(`Expected ${expected} at ${size}, received ${chunk[0]}`);
        size += chunk.length;
        peak = Math.max(peak, process.memoryUsage.rss());
      }
      expect(size).toBe(chunks * megabyte);
      expect(peak - rest).toBeLessThan(streamingAllowance);

      function megabytes(count: number): Readable {
        async function* bytes() {
          for (let index = 0; index < count; index += 1) {
            peak = Math.max(peak, process.memoryUsage.rss());
            yield Buffer.alloc(megabyte, index);
          }
        }
        return Readable.from(bytes(), { objectMode: false });
      }
    });

    it('keeps the conditions and the metadata of streams that are sent in parts', async () => {
      const large = () => Readable.from(Array(20).fill(Buffer.alloc(megabyte, 'x')));
      const first = await store.put('large', large(), { condition: 'absent', metadata: { by: 'first' } });
      await expectCode(store.put('large', large(), { condition: 'absent' }), 'store-conflict');
      await store.put('large', large(), {
        condition: { etag: first.etag },
        contentType: 'image/png',
        metadata: { by: 'second' },
        tags: { part: 'all of them' },
      });
      expect(await store.head('large')).toMatchObject({
        size: 20 * megabyte,
        contentType: 'image/png',
        metadata: { by: 'second' },
      });
      expect(await made.tagsOf('large')).toEqual({ part: 'all of them' });
      await expectCode(store.put('large', large(), { condition: { etag: '0'.repeat(32) } }), 'store-conflict');
    });

    it('lets a reader leave early', async () => {
      await store.put('a', Buffer.alloc(4 * megabyte));
      const unread = await store.get('a');
      unread.body.destroy();
      const { body } = await store.get('a');
      for await (const chunk of body) {
        expect(chunk.length).toBeGreaterThan(0);
        break;
      }
      expect(body.destroyed).toBe(true);
    });
  });
}

export async function textOf(body: Readable): Promise<string> {
  return (await buffer(body)).toString();
}

export async function keysOf(store: ObjectStore, prefix: string): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of store.list(prefix)) keys.push(key);
  return keys;
}

/** @returns the error, for further looks at its message and cause */
export async function expectCode(action: Promise<unknown>, code: RestorationError['code']): Promise<RestorationError> {
  const outcome = await action.then(
    () => 'no error',
    (error: unknown) => error,
  );
  if (!(outcome instanceof RestorationError)) throw new Error(`Expected ${code}, received ${outcome}`);
  expect(`${outcome.code}: ${outcome.message}`).toContain(`${code}: `);
  return outcome;
}

async function finished(reading: ReturnType<ObjectStore['get']>) {
  const { head, body } = await reading;
  await buffer(body);
  return head;
}

async function onlyWinner(puts: Promise<unknown>[]): Promise<number> {
  const outcomes = await Promise.allSettled(puts);
  const winners = outcomes.flatMap(({ status }, index) => (status === 'fulfilled' ? [index] : []));
  const losers = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason.code] : []));
  expect(winners).toHaveLength(1);
  expect(losers).toEqual(Array(puts.length - 1).fill('store-conflict'));
  return winners[0] ?? -1;
}
