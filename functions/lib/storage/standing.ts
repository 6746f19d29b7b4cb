import { text } from 'node:stream/consumers';
import { RestorationError } from '../contracts/errors.ts';
import type { Overwrite } from '../contracts/manifest.ts';
import { compareSequencers, type Upload } from '../contracts/object-event.ts';
import { CommittedRecord } from '../contracts/record.ts';
import type { ObjectStore } from './store.ts';

/** What the record at an upload's key means for it. `open` asks for work, all others are settled already. */
export type Standing = 'open' | 'done' | 'other-settings' | 'overtaken';

export interface Committed {
  record: CommittedRecord;
  etag: string;
}

/** One request for both: between a head and a get another writer could replace the record. */
export async function readCommitted(
  store: Pick<ObjectStore, 'bucket' | 'get'>,
  key: string,
): Promise<Committed | undefined> {
  const found = await store.get(key).catch((error: unknown) => {
    if (error instanceof RestorationError && error.code === 'source-gone') return undefined;
    throw error;
  });
  if (!found) return undefined;
  const written = await text(found.body);
  let content: unknown;
  try {
    content = JSON.parse(written);
  } catch (cause) {
    throw foreignRecord(store, key, cause);
  }
  const record = CommittedRecord.safeParse(content);
  if (!record.success) throw foreignRecord(store, key, record.error);
  return { record: record.data, etag: found.head.etag };
}

/** A version's name where a store keeps versions, else the etag: what tells one upload of a key from the next. */
export function versionOf(source: { version?: string | undefined; etag?: string | undefined }): string | undefined {
  return source.version ?? source.etag;
}

export function isSameVersion(record: CommittedRecord, upload: Upload): boolean {
  return versionOf(record.source) === versionOf(upload);
}

export function standingOf(committed: Committed | undefined, upload: Upload, settingsHash: string): Standing {
  if (!committed) return 'open';
  const { record } = committed;
  const unsettled = record.status === 'failed' && record.error?.fault !== 'input';
  if (isSameVersion(record, upload)) {
    if (unsettled) return 'open';
    // A newer schema's hash may be made of other things: what it committed counts.
    return record.settingsHash === settingsHash || record.version > 1 ? 'done' : 'other-settings';
  }
  return isOvertaken(record, upload) ? 'overtaken' : 'open';
}

/** Whether a standing asks for work when so much is to be done again. */
export function asksForWork(standing: Standing, overwrite: Overwrite): boolean {
  if (standing === 'open') return true;
  if (standing === 'overtaken') return false;
  return overwrite === true || (overwrite === 'outdated' && standing === 'other-settings');
}

/** Whether the upload has its terminal record, of whatever outcome: its own, or that of a later version. */
export function isSettled(committed: Committed | undefined, upload: Upload): boolean {
  if (!committed) return false;
  return isSameVersion(committed.record, upload) || isOvertaken(committed.record, upload);
}

/** @param record of another version of the same key */
function isOvertaken(record: CommittedRecord, upload: Upload): boolean {
  if (upload.sequencer && record.source.sequencer) {
    return compareSequencers(record.source.sequencer, upload.sequencer) > 0;
  }
  // A backfill carries no sequencer: it gives way to whatever is not older.
  return (record.source.lastModified ?? '') >= upload.eventTime;
}

function foreignRecord(store: Pick<ObjectStore, 'bucket'>, key: string, cause: unknown): RestorationError {
  return new RestorationError(
    'invalid-record',
    `Expected a restoration record at ${key} in ${store.bucket}, but it is none. Move it away and run again.`,
    { cause },
  );
}
