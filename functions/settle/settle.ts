import pLimit from 'p-limit';
import { errorFields, type Log } from '../lib/cloud/log.ts';
import { asRestorationError, type RestorationError } from '../lib/contracts/errors.ts';
import { type KeyLayout, nameOfUpload, recordKey, resultKeys } from '../lib/contracts/keys.ts';
import type { Upload } from '../lib/contracts/object-event.ts';
import type { RestorationRecord } from '../lib/contracts/record.ts';
import { hashSettings, type Settings } from '../lib/contracts/settings.ts';
import { commit, type RecordFollowers, tellAgain } from '../lib/storage/commit.ts';
import { imagesOf, removeOrphans } from '../lib/storage/orphans.ts';
import { isSameVersion, isSettled, readCommitted } from '../lib/storage/standing.ts';
import type { ObjectStore } from '../lib/storage/store.ts';
import type { RecordedError } from './job-failure.ts';

export interface SettleContext {
  results: ObjectStore;
  layout: KeyLayout;
  software: { name: string; version: string };
  followers: RecordFollowers;
  log: Log;
  now: () => Date;
}

/** Why uploads are settled, and what had been asked of them. */
export interface Failure {
  error: RecordedError;
  settings: Settings;
}

export interface Settled {
  /** Failed records written. */
  written: number;
  /** Uploads that had their terminal record. */
  found: number;
  /** Uploads that could not be settled, with why. */
  left: { key: string; error: RestorationError }[];
}

/** Requests at a time. */
const atATime = 8;

/** Gives every upload its terminal record: a failed one where none is there, or only an older version's. */
export async function settleUploads(uploads: Upload[], failure: Failure, context: SettleContext): Promise<Settled> {
  const settled: Settled = { written: 0, found: 0, left: [] };
  await pLimit(atATime).map(uploads, async (upload) => {
    try {
      settled[await settleUpload(upload, failure, context)] += 1;
    } catch (thrown) {
      const error = asRestorationError(thrown);
      settled.left.push({ key: upload.key, error });
      context.log('error', 'upload could not be settled', { key: upload.key, ...errorFields(error) });
    }
  });
  return settled;
}

async function settleUpload(upload: Upload, failure: Failure, context: SettleContext): Promise<'written' | 'found'> {
  const { results, layout, followers } = context;
  const name = nameOfUpload(layout, upload.key) ?? upload.key;
  const at = { upload, recordKey: recordKey(layout, name), resultKeys: resultKeys(layout, name) };
  const committed = await readCommitted(results, at.recordKey);
  // No model took part.
  const settingsHash = hashSettings(failure.settings, []);
  const claim = { ...at, settingsHash, overwrite: false };
  if (committed && isSettled(committed, upload)) {
    const { record } = committed;
    // An image under a failure that may be tried again is nobody's, or a worker's who is about to put its record: only a
    // record put anew tells, and makes that worker begin again.
    const unsure = isSameVersion(record, upload) && record.status === 'failed' && record.error?.fault !== 'input';
    if (!unsure || (await imagesOf(results, at)).length === 0) {
      await tellAgain(followers, at, committed);
      await removeOrphans(results, at, committed);
      return 'found';
    }
  }
  const ended = await commit(results, claim, undefined, () => failedRecord(upload, failure, context), followers);
  return ended === 'open' ? 'written' : 'found';
}

function failedRecord(upload: Upload, { error, settings }: Failure, context: SettleContext): RestorationRecord {
  const { bucket, key, version, etag, size, sequencer, eventTime } = upload;
  const now = context.now().toISOString();
  return {
    version: 1,
    status: 'failed',
    source: { bucket, key, version, etag, size, sequencer },
    settings,
    settingsHash: hashSettings(settings, []),
    software: context.software,
    createdAt: new Date(eventTime).toISOString(),
    // Nothing is known of an attempt that left no record.
    startedAt: now,
    completedAt: now,
    warnings: [],
    error,
  };
}
