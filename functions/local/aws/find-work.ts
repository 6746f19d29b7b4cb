import { pMapIterable } from 'p-map';
import { asRestorationError } from '../../lib/contracts/errors.ts';
import { isOwnKey, type KeyLayout } from '../../lib/contracts/keys.ts';
import type { Upload } from '../../lib/contracts/object-event.ts';
import type { CommittedRecord } from '../../lib/contracts/record.ts';
import { isSameVersion, readCommitted, standingOf } from '../../lib/storage/standing.ts';
import type { ObjectInfo, ObjectStore } from '../../lib/storage/store.ts';
import { inRecordOrder, type Recorded, withRecords } from './record-order.ts';

/** Why an upload needs work, or that it needs none. */
export type Need =
  /** No record of this version. */
  | 'missing'
  /** Failed for a reason that was not the picture's. */
  | 'failed'
  /** Restored by other models or with other settings. */
  | 'outdated'
  | 'settled'
  /** What lies at its record's key is no record: whoever restores it would stop there too. */
  | 'unreadable';

export interface Found {
  upload: Upload;
  need: Need;
}

export interface Search {
  uploads: AsyncIterable<ObjectInfo>;
  /** Bucket of the uploads. */
  bucket: string;
  results: Pick<ObjectStore, 'bucket' | 'get' | 'list'>;
  layout: KeyLayout;
  /** Prefix of the uploads' keys below the uploads prefix. */
  below: string;
  /** Older uploads are left alone; ISO 8601. */
  since?: string | undefined;
  /** Identity of what would be made of an upload today; left out where nobody asks what is outdated. */
  settingsHashOf?: ((upload: Upload, record: CommittedRecord) => Promise<string>) | undefined;
  /** Sees every record that was read. */
  onRecord?: (record: CommittedRecord) => void;
}

/** Requests at a time; S3 takes thousands a second, one core of this machine less. */
const readsAtATime = 16;

/**
 * Says of every upload what it needs. Listings alone decide where there is no record, or one older than the upload; other
 * records are read, some at a time. Memory does not grow with the number of uploads.
 */
export function findWork(search: Search): AsyncIterable<Found> {
  const { results, layout, below } = search;
  const uploads = eligible(search);
  const records = results.list(`${layout.records}${below}`);
  const joined = withRecords(inRecordOrder(uploads, layout), records, layout);
  return pMapIterable(joined, (recorded) => judge(recorded, search), { concurrency: readsAtATime });
}

/** Folder markers are no pictures, and where one bucket holds both, results are no uploads. */
async function* eligible({ uploads, since = '', bucket, results, layout }: Search): AsyncGenerator<ObjectInfo> {
  for await (const upload of uploads) {
    const isOwn = bucket === results.bucket && isOwnKey(layout, upload.key);
    if (!isOwn && !upload.key.endsWith('/') && upload.lastModified >= since) yield upload;
  }
}

async function judge(
  { upload: info, recordKey, record: listed }: Recorded<ObjectInfo> & { record: ObjectInfo | undefined | 'unknown' },
  search: Search,
): Promise<Found> {
  const upload = uploadFrom(info, search.bucket);
  // S3 stamps both: a record put before its upload tells of an earlier version.
  if (!listed || (listed !== 'unknown' && listed.lastModified < info.lastModified)) return { upload, need: 'missing' };
  const committed = await readCommitted(search.results, recordKey).catch((thrown: unknown) => {
    if (asRestorationError(thrown).code === 'invalid-record') return 'foreign' as const;
    throw thrown;
  });
  if (committed === 'foreign') return { upload, need: 'unreadable' };
  if (!committed) return { upload, need: 'missing' };
  const { record } = committed;
  search.onRecord?.(record);
  const standing = standingOf(committed, upload, await expectedHash(record, upload, search));
  if (standing === 'other-settings') return { upload, need: 'outdated' };
  if (standing !== 'open') return { upload, need: 'settled' };
  return { upload, need: isSameVersion(record, upload) ? 'failed' : 'missing' };
}

/** Where nobody asks, whatever the record was made with is right. */
async function expectedHash(record: CommittedRecord, upload: Upload, { settingsHashOf }: Search): Promise<string> {
  return settingsHashOf ? settingsHashOf(upload, record) : (record.settingsHash ?? '');
}

/** A backfill has no event: it takes the version that is there now, without a sequencer, as of when it was put. */
function uploadFrom({ key, version, etag, size, lastModified }: ObjectInfo, bucket: string): Upload {
  return { bucket, key, version, etag, size, eventTime: lastModified };
}
