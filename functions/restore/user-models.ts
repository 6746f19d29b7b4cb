import { createWriteStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { dirname, join, relative, sep } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { RestorationError } from '../lib/contracts/errors.ts';
import { userModelsPrefix } from '../lib/contracts/keys.ts';
import { loadRegistry } from '../lib/inference/registry.ts';
import type { ObjectStore } from '../lib/storage/store.ts';

/**
 * Fetches the models that users brought: `models/registry.json` in the results bucket, and beside it the files that its
 * cards name. Their hashes are compared when they are opened.
 * @returns the registry's path below `folder`
 */
export async function fetchUserModels(store: Pick<ObjectStore, 'bucket' | 'get'>, folder: string): Promise<string> {
  const registry = await fetchUserCards(store, folder);
  for (const { card, path } of await loadRegistry([registry])) {
    const name = relative(folder, path).split(sep).join('/');
    const key = `${userModelsPrefix}${name}`;
    const inside = !name.startsWith('../') && !card.file.startsWith('/');
    if (inside && (await fetch(store, key, path))) continue;
    throw new RestorationError(
      'model-not-found',
      `Expected the file of model "${card.id}" at ${key} in ${store.bucket}, but there is none. Put it there, or take the card out of models/registry.json.`,
    );
  }
  return registry;
}

/**
 * The cards alone: enough to tell which models a restoration would be made by.
 * @returns the registry's path below `folder`; where the bucket has none, there is no such file
 */
export async function fetchUserCards(store: Pick<ObjectStore, 'get'>, folder: string): Promise<string> {
  const registry = join(folder, 'registry.json');
  await fetch(store, `${userModelsPrefix}registry.json`, registry);
  return registry;
}

/** @returns false where there is no such object */
async function fetch(store: Pick<ObjectStore, 'get'>, key: string, path: string): Promise<boolean> {
  const found = await store.get(key).catch((error: unknown) => {
    if (error instanceof RestorationError && error.code === 'source-gone') return undefined;
    throw error;
  });
  if (!found) return false;
  await mkdir(dirname(path), { recursive: true });
  await pipeline(found.body, createWriteStream(path));
  return true;
}
