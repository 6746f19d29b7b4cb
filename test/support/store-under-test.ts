import type { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { expect } from 'vitest';
import { RestorationError } from '../../functions/lib/contracts/errors.ts';
import type { ObjectStore } from '../../functions/lib/storage/store.ts';

export interface StoreUnderTest {
  store: ObjectStore;
  /** A second writer to the same objects. */
  other: ObjectStore;
  /** Whether a version can still be read after the next one was put. */
  keepsVersions: boolean;
  /** Keys that only this store takes, or that only it is asked for. */
  extraKeys: string[];
  /** The port puts tags and never reads them, so the store's owner looks. */
  tagsOf(key: string): Promise<Record<string, string>>;
  dispose(): Promise<void>;
}

export async function textOf(body: Readable): Promise<string> {
  return (await buffer(body)).toString();
}

export async function keysOf(store: ObjectStore, prefix: string): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of store.list(prefix)) keys.push(key);
  return keys;
}

/** @returns the error, for further looks at its message and cause */
export async function expectCode(action: Promise<unknown>, code: RestorationError['code']): Promise<RestorationError> {
  const outcome = await action.then(
    () => 'no error',
    (error: unknown) => error,
  );
  if (!(outcome instanceof RestorationError)) throw new Error(`Expected ${code}, received ${outcome}`);
  expect(`${outcome.code}: ${outcome.message}`).toContain(`${code}: `);
  return outcome;
}
