import { createHash } from 'node:crypto';
import { type KeyLayout, manifestKey } from '../contracts/keys.ts';
import { JobManifest } from '../contracts/manifest.ts';
import type { ObjectStore } from '../storage/store.ts';
import type { SubmitJob } from './submit-job.ts';

export interface Submitting {
  /** Where manifests are put. */
  store: Pick<ObjectStore, 'put'>;
  layout: KeyLayout;
  submitJob: SubmitJob;
}

/**
 * Puts a manifest and submits its job. The key is the content's hash, so whoever puts it puts the same bytes: again after a
 * submission that failed, or after somebody deleted it.
 * @returns the manifest's key
 */
export async function submitManifest(manifest: JobManifest, { store, layout, submitJob }: Submitting): Promise<string> {
  const body = Buffer.from(JSON.stringify(JobManifest.parse(manifest)));
  const hash = createHash('sha256').update(body).digest('hex');
  const key = manifestKey(layout, manifest.createdAt, hash);
  const { version } = await store.put(key, body, { contentType: 'application/json' });
  await submitJob({ manifestKey: key, manifestVersion: version, hash, shares: manifest.shares.length });
  return key;
}
