import { createHash } from 'node:crypto';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { isConflict, RestorationError } from '../lib/contracts/errors.ts';
import { compareSequencers, type Upload } from '../lib/contracts/object-event.ts';
import { CommittedRecord, RestorationRecord, type Result, type Source } from '../lib/contracts/record.ts';
import type { ObjectHead, ObjectInfo, ObjectStore } from '../lib/storage/store.ts';

/** What the record at an upload's key means for it. `open` asks for work, all others are settled already. */
export type Standing = 'open' | 'done' | 'other-settings' | 'overtaken';

export interface Committed {
  record: CommittedRecord;
  etag: string;
}

/** The bytes to deliver, made anew for every attempt to put them. */
export interface Delivery {
  result: Result;
  contentType: string;
  body: () => Promise<Buffer | Readable>;
}

export interface Claim {
  upload: Upload;
  settingsHash: string;
  overwrite: boolean;
  recordKey: string;
}

/** Two writers of one key meet at most a few times: each meeting settles one of them. */
const attempts = 5;

export async function readCommitted(store: ObjectStore, key: string): Promise<Committed | undefined> {
  const head = await store.head(key);
  if (!head) return undefined;
  const { body } = await store.get(key, { etag: head.etag });
  let content: unknown;
  try {
    content = JSON.parse(await text(body));
  } catch (cause) {
    throw foreignRecord(store, key, cause);
  }
  const record = CommittedRecord.safeParse(content);
  if (!record.success) throw foreignRecord(store, key, record.error);
  return { record: record.data, etag: head.etag };
}

/** A version's name where a store keeps versions, else the etag: what tells one upload of a key from the next. */
export function versionOf(source: { version?: string | undefined; etag?: string | undefined }): string | undefined {
  return source.version ?? source.etag;
}

export function standingOf(committed: Committed | undefined, upload: Upload, settingsHash: string): Standing {
  if (!committed) return 'open';
  const { record } = committed;
  const unsettled = record.status === 'failed' && record.error?.fault !== 'input';
  const sameVersion = versionOf(record.source as Source) === versionOf(upload);
  if (sameVersion) {
    if (unsettled) return 'open';
    // A newer schema's hash may be made of other things: what it committed counts.
    return record.settingsHash === settingsHash || record.version > 1 ? 'done' : 'other-settings';
  }
  if (upload.sequencer && record.source.sequencer) {
    return compareSequencers(record.source.sequencer, upload.sequencer) > 0 ? 'overtaken' : 'open';
  }
  // A backfill carries no sequencer: it gives way to whatever is not older.
  const older = (record.source.lastModified ?? '') < upload.eventTime;
  return older ? 'open' : 'overtaken';
}

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
): Promise<Standing> {
  for (let attempt = 0; attempt < attempts; attempt++) {
    const committed = await readCommitted(store, claim.recordKey);
    const standing = standingOf(committed, claim.upload, claim.settingsHash);
    const again = claim.overwrite && standing !== 'overtaken';
    if (standing !== 'open' && !again) return standing;
    try {
      const result = delivery && (await putResult(store, claim, delivery));
      if (result === 'overtaken') return 'overtaken';
      await putRecord(store, claim.recordKey, makeRecord(result), committed);
      await removeReplaced(store, claim, committed, result?.key);
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

async function putResult(store: ObjectStore, claim: Claim, delivery: Delivery): Promise<Result | 'overtaken'> {
  const { result } = delivery;
  const existing = await store.head(result.key);
  const stamp = stampOf(claim, result);
  if (existing) {
    const { metadata } = existing;
    if (metadata['iqpir-source'] !== stamp['iqpir-source']) throw collision(store, result.key);
    const [theirs, ours] = [metadata['iqpir-sequencer'], claim.upload.sequencer];
    if (theirs && ours && compareSequencers(theirs, ours) > 0) return 'overtaken';
    if (isTwin(existing, stamp)) {
      return { ...result, sha256: metadata['iqpir-sha256'] ?? result.sha256, size: existing.size };
    }
  }
  await store.put(result.key, await delivery.body(), {
    contentType: delivery.contentType,
    metadata: stamp,
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
  const body = Buffer.from(`${JSON.stringify(RestorationRecord.parse(record), null, 2)}\n`);
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
  if (head?.metadata['iqpir-source'] === sourceId(claim.upload)) await store.delete(old.data.result.key);
}

/** Says of an image whose it is, before its record says so. ASCII and short: S3 takes 2 KB of it. */
function stampOf({ upload, settingsHash }: Claim, result: Result): Record<string, string> {
  return {
    'iqpir-source': sourceId(upload),
    'iqpir-version': versionOf(upload) ?? '',
    'iqpir-settings': settingsHash,
    'iqpir-sha256': result.sha256,
    ...(upload.sequencer ? { 'iqpir-sequencer': upload.sequencer } : {}),
  };
}

/** The same source restored with the same settings: another attempt put it and did not reach its record. */
function isTwin(existing: ObjectHead, stamp: Record<string, string>): boolean {
  return ['iqpir-version', 'iqpir-settings'].every((name) => existing.metadata[name] === stamp[name]);
}

function sourceId(upload: Upload): string {
  return createHash('sha256').update(upload.key).digest('hex');
}

function foreignRecord(store: ObjectStore, key: string, cause: unknown): RestorationError {
  return new RestorationError(
    'invalid-record',
    `Expected a restoration record at ${key} in ${store.bucket}, but it is none. Move it away and run again.`,
    { cause },
  );
}

function collision(store: ObjectStore, key: string): RestorationError {
  return new RestorationError(
    'output-collision',
    `Expected ${key} in ${store.bucket} to be free for this result, but something else lies there (another picture's result, ` +
      'or a file that was changed since). Move it away, or choose another output or format.',
  );
}
