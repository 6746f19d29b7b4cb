import type { Upload } from '../contracts/object-event.ts';
import { isNewer, isOfSource, isOfVersion } from './stamp.ts';
import { type Committed, isSameVersion, isSettled } from './standing.ts';
import type { ObjectHead, ObjectStore } from './store.ts';

/** An upload, and every key at which a result of it could lie. */
export interface Place {
  upload: Upload;
  resultKeys: string[];
}

/** Taking a version away lets the one before it show: so many may lie under one another. */
const layers = 10;

/** The images of an upload's object, of this version or older ones. */
export async function imagesOf(store: ObjectStore, { upload, resultKeys }: Place): Promise<ObjectHead[]> {
  const heads = await Promise.all(resultKeys.map((key) => store.head(key)));
  return heads.filter(
    (head) => head !== undefined && isOfSource(head.metadata, upload) && !isNewer(head.metadata, upload),
  ) as ObjectHead[];
}

/** By version: what another writer put at the same key meanwhile stays. */
export async function removeImages(store: ObjectStore, images: ObjectHead[]): Promise<void> {
  for (const { key, version } of images) await store.delete(key, { version });
}

/**
 * Removes images that are nobody's, and what lies under them: attempts that were killed one after the other may each have put
 * one, and what was put before one that is nobody's is nobody's, too.
 */
export async function removeLayers(store: ObjectStore, place: Place, images: ObjectHead[]): Promise<void> {
  let removed = images;
  for (let layer = 0; layer < layers && removed.length > 0; layer++) {
    await removeImages(store, removed);
    const above = new Map(removed.map(({ key, lastModified }) => [key, lastModified]));
    removed = (await imagesOf(store, place)).filter(({ key, lastModified }) => lastModified < (above.get(key) ?? ''));
  }
}

/**
 * Removes the images that no record will ever name, once the upload's record lies there: whoever made them was killed, or
 * overtaken, before its own. Images of older versions go; one of this version goes only under a failure that is final, since
 * under any other a worker may be about to put its record.
 */
export async function removeOrphans(store: ObjectStore, place: Place, committed: Committed): Promise<void> {
  if (!isSettled(committed, place.upload)) return;
  for (let layer = 0; layer < layers; layer++) {
    const orphans = (await imagesOf(store, place)).filter((image) => isOrphan(image, place.upload, committed));
    if (orphans.length === 0) return;
    await removeImages(store, orphans);
  }
}

function isOrphan({ metadata }: ObjectHead, upload: Upload, { record }: Committed): boolean {
  const isOfThisVersion = isOfVersion(metadata, upload);
  // The record is of a later version: ours, and what is older still, are out of date.
  if (!isSameVersion(record, upload)) return isOfThisVersion;
  if (!isOfThisVersion) return true;
  return record.status === 'failed' && record.error?.fault === 'input';
}
