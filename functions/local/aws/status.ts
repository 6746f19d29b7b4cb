import type { JobStatus } from '../../lib/cloud/submit-job.ts';
import { type KeyLayout, nameOfUpload, recordKey } from '../../lib/contracts/keys.ts';
import type { Upload } from '../../lib/contracts/object-event.ts';
import type { CommittedRecord } from '../../lib/contracts/record.ts';
import { isSettled, readCommitted } from '../../lib/storage/standing.ts';
import type { ObjectHead, ObjectStore } from '../../lib/storage/store.ts';
import { findManifest, type Place } from './find-manifest.ts';

export type State =
  /** The record of the current version. */
  | 'succeeded'
  | 'unchanged'
  | 'failed'
  /** No record of the current version yet. */
  | 'waiting'
  /** Neither an upload nor a record. */
  | 'absent';

export interface UploadStatus {
  key: string;
  state: State;
  /** Left out where the upload was deleted. */
  upload?: Pick<ObjectHead, 'size' | 'etag' | 'version' | 'lastModified'>;
  recordKey: string;
  /** The newest one, of whichever version of the upload. */
  record?: CommittedRecord;
  /** Left out where the upload is settled, and where no manifest of its days names it. */
  manifest?: Place & { job?: JobStatus | undefined };
}

export interface StatusRequest {
  key: string;
  source: ObjectStore;
  results: ObjectStore;
  layout: KeyLayout;
  /** Left out where the job queue is unknown. */
  findJob?: ((place: Place) => Promise<JobStatus | undefined>) | undefined;
}

/** Where an upload stands, read from the buckets and, while it waits, from the job queue. */
export async function statusOf(request: StatusRequest): Promise<UploadStatus> {
  const { key, source, results, layout } = request;
  const at = recordKey(layout, nameOfUpload(layout, key) ?? key);
  const [head, committed] = await Promise.all([source.head(key), readCommitted(results, at)]);
  const common = { key, recordKey: at, ...(committed ? { record: committed.record } : {}) };
  if (!head) return { ...common, state: committed ? stateOf(committed.record) : 'absent' };
  const { size, etag, version, lastModified } = head;
  const upload: Upload = { bucket: source.bucket, key, version, etag, size, eventTime: lastModified };
  const found = { ...common, upload: { size, etag, version, lastModified } };
  if (committed && isSettled(committed, upload)) return { ...found, state: stateOf(committed.record) };
  const place = await findManifest(results, layout, upload);
  if (!place) return { ...found, state: 'waiting' };
  const job = await request.findJob?.(place);
  return { ...found, state: 'waiting', manifest: { ...place, job } };
}

function stateOf({ status }: CommittedRecord): State {
  return status === 'succeeded' || status === 'unchanged' ? status : 'failed';
}
