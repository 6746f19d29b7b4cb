import type { ObjectInfo } from '../../lib/storage/store.ts';

/**
 * Draws keys from a listing of unknown length, each as likely as the next, holding no more than it draws (Vitter's
 * algorithm R).
 */
export async function drawKeys(
  listing: AsyncIterable<Pick<ObjectInfo, 'key'>>,
  size: number,
  signal?: AbortSignal,
): Promise<{ keys: string[]; total: number }> {
  const keys: string[] = [];
  let total = 0;
  for await (const { key } of listing) {
    if (signal?.aborted) break;
    total += 1;
    if (keys.length < size) keys.push(key);
    else {
      const place = Math.floor(Math.random() * total);
      if (place < size) keys[place] = key;
    }
  }
  return { keys, total };
}
