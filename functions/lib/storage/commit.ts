import { createHash } from 'node:crypto';
import type { Readable } from 'node:stream';
import { isConflict, RestorationError } from '../contracts/errors.ts';
import type { Overwrite } from '../contracts/manifest.ts';
import { compareSequencers, type Upload } from '../contracts/object-event.ts';
import { RestorationRecord, type Result } from '../contracts/record.ts';
import {
  asksForWork,
  type Committed,
  isSameVersion,
  readCommitted,
  type Standing,
  standingOf,
  versionOf,
} from './standing.ts';
import type { ObjectHead, ObjectInfo, ObjectStore } from './store.ts';

/** The bytes to deliver, made anew for every attempt to put them. */
export interface Delivery {
  result: Result;
  contentType: string;
  /** A short summary for whoever looks at the object alone. No clock in it: the same work gives the same object. */
  metadata?: Record<string, string>;
  tags?: Record<string, string>;
  body: () => Promise<Buffer | Readable>;
}

export interface Claim {
  upload: Upload;
  settingsHash: string;
  overwrite: Overwrite;
  recordKey: string;
}

/** Who else hears of records: on AWS a row for queries and an event, on a folder nobody. */
export interface RecordFollowers {
  /** Before a record is put, so that none is without it, and again where it is found done. */
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
  for (let attempt = 0; attempt < attempts; attempt++) {
    const committed = await readCommitted(store, claim.recordKey);
    const standing = standingOf(committed, claim.upload, claim.settingsHash);
    // A failure never replaces what was delivered of the same version.
    if (!asksForWork(standing, delivery !== undefined && claim.overwrite)) {
      await tellAgain(followers, claim, committed);
      return standing;
    }
    try {
      const result = delivery && (await putResult(store, claim, delivery, committed));
      if (result === 'overtaken') return 'overtaken';
      const record = RestorationRecord.parse(makeRecord(result));
      await followers.beforeCommit?.(record);
      await putRecord(store, claim.recordKey, record, committed);
      await removeReplaced(store, claim, committed, result?.key);
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
  await followers.beforeCommit?.(record.data);
  await followers.afterCommit?.(record.data, recordKey);
}

async function putResult(
  store: ObjectStore,
  claim: Claim,
  delivery: Delivery,
  committed: Committed | undefined,
): Promise<Result | 'overtaken'> {
  const { result } = delivery;
  const existing = await store.head(result.key);
  const stamp = stampOf(claim, result);
  if (existing) {
    if (existing.metadata['iqpir-source'] !== stamp['iqpir-source']) throw collision(store, result.key);
    if (isNewer(existing.metadata, claim.upload)) return 'overtaken';
    // Under a failed record of this version the image is about to be removed as an orphan: put it anew.
    const disowned = committed?.record.status === 'failed' && isSameVersion(committed.record, claim.upload);
    if (isTwin(existing, stamp) && !disowned) {
      return { ...result, sha256: existing.metadata['iqpir-sha256'] ?? result.sha256, size: existing.size };
    }
  }
  await store.put(result.key, await delivery.body(), {
    contentType: delivery.contentType,
    metadata: { ...delivery.metadata, ...stamp },
    tags: delivery.tags,
    condition: existing ? { etag: existing.etag } : 'absent',
  });
  return result;
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
  if (head?.metadata['iqpir-source'] !== sourceId(claim.upload)) return;
  // Only what was looked at: another writer may put its own meanwhile.
  await store.delete(head.key, { version: head.version });
}

/** Says of an image whose it is, before its record says so. ASCII and short: S3 takes 2 KB of it. */
function stampOf({ upload, settingsHash }: Claim, result: Result): Record<string, string> {
  return {
    'iqpir-source': sourceId(upload),
    'iqpir-version': versionOf(upload) ?? '',
    'iqpir-settings': settingsHash,
    'iqpir-sha256': result.sha256,
    'iqpir-uploaded': upload.eventTime,
    ...(upload.sequencer ? { 'iqpir-sequencer': upload.sequencer } : {}),
  };
}

/** Whether an image's stamp is that of a later version; its record may still be on its way. */
function isNewer(stamp: Record<string, string>, upload: Upload): boolean {
  if (stamp['iqpir-version'] === versionOf(upload)) return false;
  const [theirs, ours] = [stamp['iqpir-sequencer'], upload.sequencer];
  if (theirs && ours) return compareSequencers(theirs, ours) > 0;
  // One of them came by a backfill, which has no sequencer.
  return Date.parse(stamp['iqpir-uploaded'] ?? '') > Date.parse(upload.eventTime);
}

/** The same source restored with the same settings: another attempt put it and did not reach its record. */
function isTwin(existing: ObjectHead, stamp: Record<string, string>): boolean {
  return ['iqpir-version', 'iqpir-settings'].every((name) => existing.metadata[name] === stamp[name]);
}

export function sourceId(upload: Upload): string {
  return createHash('sha256').update(upload.key).digest('hex');
}

function collision(store: ObjectStore, key: string): RestorationError {
  return new RestorationError(
    'output-collision',
    `Expected ${key} in ${store.bucket} to be free for this result, but something else lies there (another picture's result, ` +
      'or a file that was changed since). Move it away, or choose another output or format.',
  );
}
