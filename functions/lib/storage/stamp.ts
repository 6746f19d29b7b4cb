import { createHash } from 'node:crypto';
import { compareSequencers, type Upload } from '../contracts/object-event.ts';
import type { Result } from '../contracts/record.ts';
import { versionOf } from './standing.ts';

/** User metadata of an image, by which it says whose it is before its record does. ASCII and short: S3 takes 2 KB of it. */
export type Stamp = Record<string, string>;

export function stampOf(upload: Upload, settingsHash: string, result: Result): Stamp {
  return {
    'iqpir-source': sourceId(upload),
    'iqpir-version': versionOf(upload) ?? '',
    'iqpir-settings': settingsHash,
    'iqpir-sha256': result.sha256,
    'iqpir-uploaded': upload.eventTime,
    ...(upload.sequencer ? { 'iqpir-sequencer': upload.sequencer } : {}),
  };
}

/** Whether an image was made of the object at the upload's key, of whatever version. */
export function isOfSource(stamp: Stamp, upload: Upload): boolean {
  return stamp['iqpir-source'] === sourceId(upload);
}

export function isOfVersion(stamp: Stamp, upload: Upload): boolean {
  return stamp['iqpir-version'] === (versionOf(upload) ?? '');
}

/** The same source restored with the same settings: another attempt put it and did not reach its record. */
export function isTwin(stamp: Stamp, other: Stamp): boolean {
  return ['iqpir-version', 'iqpir-settings'].every((name) => stamp[name] === other[name]);
}

/** Whether an image is that of a later version; its record may still be on its way. */
export function isNewer(stamp: Stamp, upload: Upload): boolean {
  if (isOfVersion(stamp, upload)) return false;
  const [theirs, ours] = [stamp['iqpir-sequencer'], upload.sequencer];
  if (theirs && ours) return compareSequencers(theirs, ours) > 0;
  // One of them came by a backfill, which has no sequencer.
  return Date.parse(stamp['iqpir-uploaded'] ?? '') > Date.parse(upload.eventTime);
}

function sourceId(upload: Upload): string {
  return createHash('sha256').update(upload.key).digest('hex');
}
