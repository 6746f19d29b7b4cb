import { Readable } from 'node:stream';
import type { RecordFollowers } from '../../../../functions/lib/storage/commit.ts';
import type { ObjectStore } from '../../../../functions/lib/storage/store.ts';
import type { Pass } from './reaper.ts';

/** What is put below a prefix, in the points' words. */
const things = [
  ['results/', 'image'],
  ['rows/', 'row'],
  ['records/', 'record'],
] as const;

export function deadlyResults(store: ObjectStore, pass: Pass): ObjectStore {
  return {
    bucket: store.bucket,
    list: (prefix) => store.list(prefix),
    delete: (key, options) => store.delete(key, options),
    head: (key, options) => store.head(key, options),
    async get(key, options) {
      const isManifest = key.startsWith('manifests/');
      if (isManifest) pass('before the manifest is read');
      if (key.startsWith('records/')) pass('before the record is looked for');
      const found = await store.get(key, options);
      if (isManifest) found.body.once('end', () => pass('after the manifest was read'));
      return found;
    },
    async put(key, body, options) {
      const [, thing] = things.find(([prefix]) => key.startsWith(prefix)) ?? [];
      if (thing) pass(`before the ${thing} is put`);
      const put = await store.put(key, body, options);
      if (thing) pass(`after the ${thing} was put`);
      return put;
    },
  };
}

export function deadlySource(store: ObjectStore, pass: Pass): Pick<ObjectStore, 'bucket' | 'get'> {
  return {
    bucket: store.bucket,
    async get(key, options) {
      pass('before the source is fetched');
      const { head, body } = await store.get(key, options);
      return { head, body: Readable.from(watched(body, pass)) };
    },
  };
}

async function* watched(body: Readable, pass: Pass): AsyncGenerator<Buffer> {
  for await (const chunk of body) {
    pass('while the source is fetched');
    yield chunk;
  }
  pass('before it is decoded');
}

export function deadlyFollowers(followers: RecordFollowers, pass: Pass): RecordFollowers {
  return {
    beforeCommit: (record) => followers.beforeCommit?.(record) ?? Promise.resolve(),
    async afterCommit(record, key) {
      pass('before the event is sent');
      await followers.afterCommit?.(record, key);
      pass('after the event was sent');
    },
  };
}
