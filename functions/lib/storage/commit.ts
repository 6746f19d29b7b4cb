import type { Readable } from 'node:stream';
import { isConflict, RestorationError } from '../contracts/errors.ts';
import type { Overwrite } from '../contracts/manifest.ts';
import { RestorationRecord, type Result } from '../contracts/record.ts';
import { imagesOf, type Place, removeImages, removeLayers, removeOrphans } from './orphans.ts';
import { isNewer, isOfSource, isTwin, stampOf } from './stamp.ts';
import { asksForWork, type Committed, isSameVersion, readCommitted, type Standing, standingOf } from './standing.ts';
import type { ObjectInfo, ObjectStore } from './store.ts';

/** The bytes to deliver, made anew for every attempt to put them. */
export interface Delivery {
  result: Result;
  contentType: string;
  /** A short summary for whoever looks at the object alone. No clock in it: the same work gives the same object. */
  metadata?: Record<string, string>;
  tags?: Record<string, string>;
  body: () => Promise<Buffer | Readable>;
}

export interface Claim extends Place {
  settingsHash: string;
  overwrite: Overwrite;
  recordKey: string;
}

/** Who else hears of records: on AWS a row for queries and an event, on a folder nobody. */
export interface RecordFollowers {
  /** Before a record is put, so that none is without it, and again where a final one is found done. */
  beforeCommit?(record: RestorationRecord): Promise<void>;
  /** After it was put, and again where it is found done: at least once. */
  afterCommit?(record: RestorationRecord, recordKey: string): Promise<void>;
}

/** Two writers of one key meet at most a few times: each meeting settles one of them. */
const attempts = 5;

/**
 * Puts the result, then its record: the record is the commit marker. Both are conditional, so that a newer version's
 * result is never replaced by an older one's.
 * @param makeRecord the record over the result that lies in the store in the end
 * @returns the standing that stopped it, or `open` where the record is now ours
 * @throws RestorationError `output-collision` where something that is not this upload's result lies at its key
 */
export async function commit(
  store: ObjectStore,
  claim: Claim,
  delivery: Delivery | undefined,
  makeRecord: (result: Result | undefined) => RestorationRecord,
  followers: RecordFollowers = {},
): Promise<Standing> {
  let ours: ObjectInfo | undefined;
  for (let attempt = 0; attempt < attempts; attempt++) {
    const committed = await readCommitted(store, claim.recordKey);
    const standing = standingOf(committed, claim.upload, claim.settingsHash);
    // A failure never replaces what was delivered of the same version.
    if (!asksForWork(standing, delivery !== undefined && claim.overwrite)) {
      await takeBack(store, ours, committed);
      await tellAgain(followers, claim, committed);
      return standing;
    }
    try {
      // What lies there before a failure is recorded belongs to nobody then; what is put later has seen the failure.
      const disowned = delivery ? [] : await imagesOf(store, claim);
      const put = delivery && (await putResult(store, claim, delivery, committed));
      if (put === 'overtaken') return 'overtaken';
      ours = put?.info ?? ours;
      const record = RestorationRecord.parse(makeRecord(put?.result));
      await followers.beforeCommit?.(record);
      const { etag } = await putRecord(store, claim.recordKey, record, committed);
      await removeReplaced(store, claim, committed, put?.result.key);
      if (!delivery) {
        await removeLayers(store, claim, disowned);
        await removeOrphans(store, claim, { record, etag });
      }
      await followers.afterCommit?.(record, claim.recordKey);
      return 'open';
    } catch (error) {
      if (!isConflict(error)) throw error;
    }
  }
  throw new RestorationError(
    'store-conflict',
    `Expected to commit ${claim.recordKey} within ${attempts} attempts, but another writer was faster each time. Try again.`,
  );
}

/**
 * A record of this version was found: whoever put it may have been killed before its followers heard of it, or a slower
 * writer may have told them of another outcome.
 */
export async function tellAgain(
  followers: RecordFollowers,
  { upload, recordKey }: Pick<Claim, 'upload' | 'recordKey'>,
  committed: Committed | undefined,
): Promise<void> {
  const record = RestorationRecord.safeParse(committed?.record);
  // A record of a newer schema is none that we can tell of, and another version's is its own worker's to tell.
  if (!record.success || !committed || !isSameVersion(committed.record, upload)) return;
  // A failure that may be tried again is perhaps being replaced right now, and its row with it.
  const isFinal = record.data.status !== 'failed' || record.data.error.fault === 'input';
  if (isFinal) await followers.beforeCommit?.(record.data);
  await followers.afterCommit?.(record.data, recordKey);
}

async function putResult(
  store: ObjectStore,
  claim: Claim,
  delivery: Delivery,
  committed: Committed | undefined,
): Promise<{ result: Result; info?: ObjectInfo } | 'overtaken'> {
  const { result } = delivery;
  const existing = await store.head(result.key);
  const stamp = stampOf(claim.upload, claim.settingsHash, result);
  if (existing) {
    const theirs = existing.metadata;
    if (!isOfSource(theirs, claim.upload)) throw collision(store, result.key);
    if (isNewer(theirs, claim.upload)) return 'overtaken';
    // Under a failed record of this version the image is about to be removed as an orphan: put it anew.
    const disowned = committed?.record.status === 'failed' && isSameVersion(committed.record, claim.upload);
    if (isTwin(theirs, stamp) && !disowned) {
      return { result: { ...result, sha256: theirs['iqpir-sha256'] ?? result.sha256, size: existing.size } };
    }
  }
  const info = await store.put(result.key, await delivery.body(), {
    contentType: delivery.contentType,
    metadata: { ...delivery.metadata, ...stamp },
    tags: delivery.tags,
    condition: existing ? { etag: existing.etag } : 'absent',
  });
  return { result, info };
}

/** An image that we put and whose record another writer's made needless: where theirs does not name it, nobody does. */
async function takeBack(store: ObjectStore, ours: ObjectInfo | undefined, committed: Committed | undefined) {
  // Without versions a later writer's image at the key could not be told from ours: `removeOrphans` looks for it.
  if (!ours?.version || !committed) return;
  const theirs = RestorationRecord.safeParse(committed.record);
  if (!theirs.success) return;
  const named = theirs.data.status === 'failed' ? undefined : theirs.data.result;
  const head = await store.head(ours.key, { version: ours.version });
  if (named?.key === ours.key && named.sha256 === head?.metadata['iqpir-sha256']) return;
  await store.delete(ours.key, { version: ours.version });
}

async function putRecord(
  store: ObjectStore,
  key: string,
  record: RestorationRecord,
  committed: Committed | undefined,
): Promise<ObjectInfo> {
  const body = Buffer.from(`${JSON.stringify(record, null, 2)}\n`);
  return store.put(key, body, {
    contentType: 'application/json',
    condition: committed ? { etag: committed.etag } : 'absent',
  });
}

/** A result under another key, of an older version or other settings, belongs to no record any more. */
async function removeReplaced(store: ObjectStore, claim: Claim, committed: Committed | undefined, kept?: string) {
  const old = RestorationRecord.safeParse(committed?.record);
  if (!old.success || old.data.status === 'failed' || old.data.result.key === kept) return;
  const head = await store.head(old.data.result.key);
  if (!head || !isOfSource(head.metadata, claim.upload)) return;
  await removeImages(store, [head]);
}

function collision(store: ObjectStore, key: string): RestorationError {
  return new RestorationError(
    'output-collision',
    `Expected ${key} in ${store.bucket} to be free for this result, but something else lies there (another picture's result, ` +
      'or a file that was changed since). Move it away, or choose another output or format.',
  );
}
