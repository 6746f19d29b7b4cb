import { json } from 'node:stream/consumers';
import { RestorationError } from '../contracts/errors.ts';
import { JobManifest } from '../contracts/manifest.ts';
import type { ObjectStore } from './store.ts';

/** @throws RestorationError `invalid-manifest` where what lies there is none */
export async function readManifest(store: ObjectStore, key: string): Promise<JobManifest> {
  const { body } = await store.get(key);
  const manifest = JobManifest.safeParse(await json(body).catch(() => undefined));
  if (manifest.success) return manifest.data;
  throw new RestorationError(
    'invalid-manifest',
    `Expected a job manifest of version 1 at ${key} in ${store.bucket}. Dispatch the uploads again.`,
    { cause: manifest.error },
  );
}
