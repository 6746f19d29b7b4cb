import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { expect, it } from 'vitest';
import { expectCode, type StoreUnderTest, textOf } from './store-under-test.ts';

const megabyte = 1 << 20;

/** What a store promises to several who write and read the same object. */
export function describeWriters(made: () => StoreUnderTest): void {
  it('puts only where nothing is, when asked to', async () => {
    await made().store.put('a', Buffer.from('first'), { condition: 'absent', metadata: { by: 'first' } });
    await expectCode(
      made().store.put('a', Readable.from([Buffer.from('second')]), {
        condition: 'absent',
        metadata: { by: 'second' },
      }),
      'store-conflict',
    );
    const { head, body } = await made().store.get('a');
    expect(await textOf(body)).toBe('first');
    expect(head.metadata).toEqual({ by: 'first' });
  });

  it('replaces only the object with the given etag, when asked to', async () => {
    const first = await made().store.put('a', Buffer.from('first'));
    const second = await made().store.put('a', Buffer.from('second'), { condition: { etag: first.etag } });
    await expectCode(
      made().store.put('a', Buffer.from('third'), { condition: { etag: first.etag } }),
      'store-conflict',
    );
    expect((await made().store.head('a'))?.etag).toBe(second.etag);
    await made().store.delete('a');
    await expectCode(
      made().store.put('a', Buffer.from('fourth'), { condition: { etag: second.etag } }),
      'store-conflict',
    );
    expect(await made().store.head('a')).toBeUndefined();
  });

  it('lets exactly one of 16 writers win who all put where nothing is', async () => {
    const puts = Array.from({ length: 16 }, (_, index) => {
      const writer = index % 2 ? made().other : made().store;
      return writer.put('race', Buffer.from(`writer ${index}`), {
        condition: 'absent',
        metadata: { writer: `${index}` },
      });
    });
    const winner = await onlyWinner(puts);
    const { head, body } = await made().store.get('race');
    expect(await textOf(body)).toBe(`writer ${winner}`);
    expect(head.metadata).toEqual({ writer: `${winner}` });
  });

  it('lets exactly one of 16 writers win who all replace the same object', async () => {
    const { etag } = await made().store.put('race', Buffer.from('before'));
    const puts = Array.from({ length: 16 }, (_, index) => {
      const writer = index % 2 ? made().other : made().store;
      return writer.put('race', Readable.from([Buffer.from(`writer ${index}`)]), { condition: { etag } });
    });
    const winner = await onlyWinner(puts);
    expect(await textOf((await made().store.get('race')).body)).toBe(`writer ${winner}`);
  });

  it('reads the version that was asked for, or says that it is gone', async () => {
    const first = await made().store.put('a', Buffer.from('first'));
    const second = await made().store.put('a', Buffer.from('second'));
    expect(second.version).not.toBe(first.version);
    expect(await textOf((await made().store.get('a', { version: second.version })).body)).toBe('second');
    expect((await made().store.head('a', { version: second.version }))?.etag).toBe(second.etag);
    if (made().keepsVersions) {
      expect(await textOf((await made().store.get('a', { version: first.version })).body)).toBe('first');
      expect((await made().store.head('a', { version: first.version }))?.etag).toBe(first.etag);
    } else {
      await expectCode(made().store.get('a', { version: first.version }), 'source-gone');
      expect(await made().store.head('a', { version: first.version })).toBeUndefined();
    }
  });

  it('reads only the etag that was asked for', async () => {
    const first = await made().store.put('a', Buffer.from('first'));
    expect(await textOf((await made().store.get('a', { etag: first.etag })).body)).toBe('first');
    await made().store.put('a', Buffer.from('second'));
    await expectCode(made().store.get('a', { etag: first.etag }), 'source-gone');
  });

  it('goes on giving the old bytes to a reader while the object is replaced', async () => {
    const old = Buffer.alloc(4 * megabyte, 'old');
    await made().store.put('a', old);
    const { body } = await made().store.get('a');
    await made().store.put('a', Buffer.from('new'));
    expect((await buffer(body)).equals(old)).toBe(true);
  });
}

async function onlyWinner(puts: Promise<unknown>[]): Promise<number> {
  const outcomes = await Promise.allSettled(puts);
  const winners = outcomes.flatMap(({ status }, index) => (status === 'fulfilled' ? [index] : []));
  const losers = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason.code] : []));
  expect(winners).toHaveLength(1);
  expect(losers).toEqual(Array(puts.length - 1).fill('store-conflict'));
  return winners[0] ?? -1;
}
