import { Readable } from 'node:stream';
import { expect, it } from 'vitest';
import { expectCode, keysOf, type StoreUnderTest, textOf } from './store-under-test.ts';

const megabyte = 1 << 20;

/** Memory that a stream of 200 MB may add: far below its size, above what the garbage collector leaves lying. */
const streamingAllowance = 110 * megabyte;

/** What a store promises about bodies of any length. */
export function describeStreams(made: () => StoreUnderTest): void {
  it('takes streams, empty ones too', async () => {
    await made().store.put('streamed', Readable.from([Buffer.from('one '), Buffer.from('two')]));
    await made().store.put('empty-stream', Readable.from([]));
    await made().store.put('empty-buffer', Buffer.alloc(0));
    expect(await textOf((await made().store.get('streamed')).body)).toBe('one two');
    expect((await made().store.head('empty-stream'))?.size).toBe(0);
    expect(await textOf((await made().store.get('empty-buffer')).body)).toBe('');
  });

  it('puts nothing where the stream breaks', async () => {
    const broken = Readable.from(
      (async function* () {
        yield Buffer.alloc(megabyte);
        throw new Error('the camera was unplugged');
      })(),
    );
    await expect(made().store.put('broken', broken)).rejects.toThrow('the camera was unplugged');
    expect(await made().store.head('broken')).toBeUndefined();
    expect(await keysOf(made().store, '')).toEqual([]);
  });

  it('streams 200 MB in and out without holding them', { timeout: 240_000 }, async () => {
    const chunks = 200;
    const rest = process.memoryUsage.rss();
    let peak = rest;
    const put = await made().store.put('large', megabytes(chunks), { condition: 'absent' });
    expect(put.size).toBe(chunks * megabyte);
    const { head, body } = await made().store.get('large', { version: put.version, etag: put.etag });
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
    const first = await made().store.put('large', large(), { condition: 'absent', metadata: { by: 'first' } });
    await expectCode(made().store.put('large', large(), { condition: 'absent' }), 'store-conflict');
    await made().store.put('large', large(), {
      condition: { etag: first.etag },
      contentType: 'image/png',
      metadata: { by: 'second' },
    });
    expect(await made().store.head('large')).toMatchObject({
      size: 20 * megabyte,
      contentType: 'image/png',
      metadata: { by: 'second' },
    });
    await expectCode(made().store.put('large', large(), { condition: { etag: '0'.repeat(32) } }), 'store-conflict');
  });

  it('lets a reader leave early', async () => {
    await made().store.put('a', Buffer.alloc(4 * megabyte));
    const unread = await made().store.get('a');
    unread.body.destroy();
    const { body } = await made().store.get('a');
    for await (const chunk of body) {
      expect(chunk.length).toBeGreaterThan(0);
      break;
    }
    expect(body.destroyed).toBe(true);
  });
}
