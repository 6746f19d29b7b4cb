import { json } from 'node:stream/consumers';
import { RestorationError } from '../contracts/errors.ts';
import { JobManifest } from '../contracts/manifest.ts';
import type { ObjectStore } from './store.ts';

/**
 * @param version where the store keeps versions: reads the manifest even when somebody deleted it
 * @throws RestorationError `invalid-manifest` where nothing lies there, or what lies there is none
 */
export async function readManifest(store: ObjectStore, key: string, version?: string): Promise<JobManifest> {
  const { body } = await store.get(key, { version }).catch((cause: unknown) => {
    if (!(cause instanceof RestorationError) || cause.code !== 'source-gone') throw cause;
    throw new RestorationError(
      'invalid-manifest',
      `Expected a job manifest at ${key} in ${store.bucket}, but it is gone. Dispatch its uploads again (iqpir aws backfill).`,
      { cause },
    );
  });
  const manifest = JobManifest.safeParse(await json(body).catch(() => undefined));
  if (manifest.success) return manifest.data;
  throw new RestorationError(
    'invalid-manifest',
    `Expected a job manifest of version 1 at ${key} in ${store.bucket}. Dispatch the uploads again.`,
    { cause: manifest.error },
  );
}
