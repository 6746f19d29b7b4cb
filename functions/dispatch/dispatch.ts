import { createHash } from 'node:crypto';
import { isConflict } from '../lib/contracts/errors.ts';
import type { KeyLayout } from '../lib/contracts/keys.ts';
import { manifestKey, nameOfUpload } from '../lib/contracts/keys.ts';
import { JobManifest } from '../lib/contracts/manifest.ts';
import { ObjectEvent, type Upload, uploadOf } from '../lib/contracts/object-event.ts';
import type { Settings } from '../lib/contracts/settings.ts';
import type { ObjectStore } from '../lib/storage/store.ts';

/** Starts a job over a manifest; as many children as it has shares. */
export type SubmitJob = (job: { manifestKey: string; hash: string; shares: number }) => Promise<void>;

export interface DispatchContext {
  settings: Settings;
  overwrite: boolean;
  /** Where manifests are put. */
  store: ObjectStore;
  layout: KeyLayout;
  submitJob: SubmitJob;
}

export interface Ignored {
  key: string;
  reason: 'folder-marker' | 'outside-prefix';
}

/** A share is what one child does in a few minutes, so that a lost machine costs little and its start pays. */
const shareLimits = { uploads: 50, bytes: 150_000_000 };

/**
 * Reads an object-created event.
 * @returns the upload it tells of, or why it is none of ours; undefined where it is no such event at all
 */
export function acceptEvent(event: unknown, layout: KeyLayout): Upload | Ignored | undefined {
  const parsed = ObjectEvent.safeParse(event);
  if (!parsed.success) return undefined;
  const upload = uploadOf(parsed.data);
  if (!nameOfUpload(layout, upload.key)) return { key: upload.key, reason: 'outside-prefix' };
  if (upload.key.endsWith('/')) return { key: upload.key, reason: 'folder-marker' };
  return upload;
}

/** Puts one manifest over the uploads and submits its job. The same uploads give the same manifest: twice does no harm. */
export async function dispatch(uploads: Upload[], context: DispatchContext): Promise<string> {
  const manifest = JobManifest.parse({
    version: 1,
    // The newest event, not the clock: a batch delivered twice must give the same bytes.
    createdAt: uploads
      .map((upload) => new Date(upload.eventTime).toISOString())
      .sort()
      .at(-1),
    settings: context.settings,
    overwrite: context.overwrite,
    shares: inShares(uploads),
  });
  const body = Buffer.from(JSON.stringify(manifest));
  const hash = createHash('sha256').update(body).digest('hex');
  const key = manifestKey(context.layout, manifest.createdAt, hash);
  try {
    await context.store.put(key, body, { contentType: 'application/json', condition: 'absent' });
  } catch (error) {
    // The key is the content's hash: whoever put it first put the same bytes.
    if (!isConflict(error)) throw error;
  }
  await context.submitJob({ manifestKey: key, hash, shares: manifest.shares.length });
  return key;
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
