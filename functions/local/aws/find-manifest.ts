import type { KeyLayout } from '../../lib/contracts/keys.ts';
import type { Upload } from '../../lib/contracts/object-event.ts';
import { readManifest } from '../../lib/storage/read-manifest.ts';
import { versionOf } from '../../lib/storage/standing.ts';
import type { ObjectInfo, ObjectStore } from '../../lib/storage/store.ts';

/** Where an upload is in a manifest. */
export interface Place {
  key: string;
  /** The share that holds it, from 0, and how many there are. */
  share: number;
  shares: number;
  /** When the manifest was put, ISO 8601. */
  putAt: string;
}

/**
 * A busy day has thousands of manifests, and each is read whole. An event's is among the first after the upload, a
 * backfill's among the last: from both ends so many are looked at.
 */
const manifestsRead = 100;
const oneDay = 86_400_000;

/**
 * The newest manifest that names this version of an upload. Manifests lie by day, so the day of the upload and the next
 * are looked at; a backfill's lies under its own day, so today and yesterday are too.
 */
export async function findManifest(
  results: ObjectStore,
  layout: KeyLayout,
  upload: Upload,
  now = Date.now(),
): Promise<Place | undefined> {
  const uploadedAt = Date.parse(upload.eventTime);
  const days = [uploadedAt, uploadedAt + oneDay, now - oneDay, now].map((time) =>
    new Date(time).toISOString().slice(0, 10),
  );
  const manifests: ObjectInfo[] = [];
  for (const day of new Set(days)) {
    for await (const manifest of results.list(`${layout.manifests}${day}/`)) {
      if (manifest.lastModified >= upload.eventTime.slice(0, 19)) manifests.push(manifest);
    }
  }
  manifests.sort((a, b) => (a.lastModified < b.lastModified ? -1 : 1));
  let found: Place | undefined;
  const nearest = new Set([...manifests.slice(0, manifestsRead), ...manifests.slice(-manifestsRead)]);
  for (const { key, lastModified } of nearest) {
    const { shares } = await readManifest(results, key);
    const share = shares.findIndex((uploads) => uploads.some((one) => isThis(one, upload)));
    if (share >= 0) found = { key, share, shares: shares.length, putAt: lastModified };
  }
  return found;
}

function isThis(one: Upload, upload: Upload): boolean {
  return one.key === upload.key && versionOf(one) === versionOf(upload);
}

/** A manifest is named by its hash, and its job after that. */
export function hashOf(manifestKey: string): string {
  return manifestKey.slice(manifestKey.lastIndexOf('/') + 1).replace(/\.json$/, '');
}
