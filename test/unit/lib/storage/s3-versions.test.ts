import { beforeAll, describe, expect, it } from 'vitest';
import type { S3Store } from '../../../../functions/lib/storage/s3-store.ts';
import type { ObjectInfo } from '../../../../functions/lib/storage/store.ts';
import { endpoint, newBucket, warnWithoutEndpoint } from '../../../support/aws-endpoint.ts';

warnWithoutEndpoint("S3Store's listing of versions", 'test/unit/lib/storage/s3-versions.test.ts');

describe.skipIf(!endpoint)('S3Store.listVersions', () => {
  let store: S3Store;
  beforeAll(async () => {
    store = await newBucket('versions');
  });

  async function versions(prefix: string, of = store): Promise<ObjectInfo[]> {
    const found: ObjectInfo[] = [];
    for await (const info of of.listVersions(prefix)) found.push(info);
    return found;
  }

  it('names the version that a head names, of a key as odd as it may be', async () => {
    const keys = ['odd/%2B%20%%%.png', 'odd/+ b.jpg', 'odd/a&<"\u0001', 'odd/é\u{1f600}'];
    for (const key of keys) await store.put(key, Buffer.from(key));
    const listed = await versions('odd/');
    expect(listed.map(({ key }) => key)).toEqual(keys);
    for (const { key, version, etag, size } of listed) {
      expect(version).toMatch(/./);
      expect(await store.head(key)).toMatchObject({ version, etag, size });
    }
  });

  it('takes only the current one, and none of what was deleted', async () => {
    await store.put('now/a', Buffer.from('one'));
    const { version } = await store.put('now/a', Buffer.from('two!'));
    await store.put('now/b', Buffer.from('one'));
    await store.delete('now/b');
    expect(await versions('now/')).toMatchObject([{ key: 'now/a', size: 4, version }]);
  });

  it('goes on over more than a page, with a key whose versions fill pages of their own', async () => {
    const puts = Array.from({ length: 990 }, (_, n) => () => store.put('many/m', Buffer.from(`${n}`)));
    for (let from = 0; from < puts.length; from += 50)
      await Promise.all(puts.slice(from, from + 50).map((put) => put()));
    for (let n = 0; n < 20; n++) await store.put(`many/z${n + 10}`, Buffer.from('x'));
    await store.put('many/a', Buffer.from('x'));
    const listed = await versions('many/');
    expect(listed.map(({ key }) => key)).toEqual([
      'many/a',
      'many/m',
      ...Array.from({ length: 20 }, (_, n) => `many/z${n + 10}`),
    ]);
  }, 240_000);

  it('gives none where the bucket keeps no versions', async () => {
    const plain = await newBucket('plain', { versioned: false });
    await plain.put('a', Buffer.from('x'));
    const [listed, ...more] = await versions('', plain);
    expect(more).toEqual([]);
    expect(listed).toMatchObject({ key: 'a', size: 1 });
    expect(listed?.version).toBeUndefined();
    expect((await plain.head('a'))?.version).toBeUndefined();
  });
});
