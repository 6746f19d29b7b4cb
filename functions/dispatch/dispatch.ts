import { type Submitting, submitManifest } from '../lib/cloud/submit-manifest.ts';
import { isOwnKey, type KeyLayout, nameOfUpload } from '../lib/contracts/keys.ts';
import { JobManifest, type Overwrite } from '../lib/contracts/manifest.ts';
import { ObjectEvent, type Upload, uploadOf } from '../lib/contracts/object-event.ts';
import type { Settings } from '../lib/contracts/settings.ts';

export interface DispatchContext extends Submitting {
  settings: Settings;
  overwrite: Overwrite;
  /** When the work was asked for, ISO 8601, where no event did: a backfill. Left out: when the newest event was raised. */
  createdAt?: string;
}

export interface Ignored {
  key: string;
  reason: 'folder-marker' | 'outside-prefix' | 'own-result' | 'other-bucket';
}

/** On AWS an event names its bucket; the local programs raise their own events. */
export interface Buckets {
  uploads: string;
  results: string;
}

/**
 * A share is what one child does in 3 to 5 minutes, so that a lost machine costs little and its start pays. Measured: 3 s a
 * megapixel on 2 cores. 75 MB of photographs (about 0.35 bytes a pixel as JPEG) are some 210 megapixels: 5 minutes on 4 cores,
 * less on a GPU. The count bounds what a pile of small pictures costs in requests.
 */
const shareLimits = { uploads: 50, bytes: 75_000_000 };

/**
 * Reads an object-created event.
 * @returns the upload it tells of, or why it is none of ours; undefined where it is no such event at all
 */
export function acceptEvent(event: unknown, layout: KeyLayout, buckets?: Buckets): Upload | Ignored | undefined {
  const parsed = ObjectEvent.safeParse(event);
  if (!parsed.success) return undefined;
  const upload = uploadOf(parsed.data);
  if (buckets && upload.bucket !== buckets.uploads) return { key: upload.key, reason: 'other-bucket' };
  // One bucket for both: what was written by a job must not start the next.
  const shared = buckets?.uploads === buckets?.results;
  if (buckets && shared && isOwnKey(layout, upload.key)) return { key: upload.key, reason: 'own-result' };
  if (!nameOfUpload(layout, upload.key)) return { key: upload.key, reason: 'outside-prefix' };
  if (upload.key.endsWith('/')) return { key: upload.key, reason: 'folder-marker' };
  return upload;
}

/** Puts one manifest over the uploads and submits its job. The same uploads give the same manifest: twice does no harm. */
export async function dispatch(uploads: Upload[], context: DispatchContext): Promise<string> {
  const manifest = JobManifest.parse({
    version: 1,
    // The newest event, not the clock: a batch delivered twice must give the same bytes.
    createdAt:
      context.createdAt ??
      uploads
        .map((upload) => new Date(upload.eventTime).toISOString())
        .sort()
        .at(-1),
    settings: context.settings,
    overwrite: context.overwrite,
    shares: inShares(uploads),
  });
  return submitManifest(manifest, context);
}

function inShares(uploads: Upload[]): Upload[][] {
  const shares: Upload[][] = [];
  let share: Upload[] = [];
  let bytes = 0;
  for (const upload of uploads) {
    const full = share.length >= shareLimits.uploads || bytes + upload.size > shareLimits.bytes;
    if (share.length > 0 && full) {
      shares.push(share);
      share = [];
      bytes = 0;
    }
    share.push(upload);
    bytes += upload.size;
  }
  if (share.length > 0) shares.push(share);
  return shares;
}
