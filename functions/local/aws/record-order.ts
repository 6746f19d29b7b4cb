import { type KeyLayout, nameOfUpload, recordKey } from '../../lib/contracts/keys.ts';

/** An upload, and the key that its record has or would have. */
export interface Recorded<T> {
  upload: T;
  recordKey: string;
}

/**
 * Puts a listing of uploads into the order of their records, so that it can be merged with a listing of those.
 * The orders differ where one key starts another: `a` comes before `a-1`, but `a.json` after `a-1.json`. Held back are
 * only keys that start each other, so never more than a key has characters.
 * @param uploads in the order of their keys' UTF-8 bytes, all below the uploads prefix
 * @returns in the order of `recordKey`, but for keys too long to be their record's name, which come anywhere
 */
export async function* inRecordOrder<T extends { key: string }>(
  uploads: AsyncIterable<T>,
  layout: KeyLayout,
): AsyncGenerator<Recorded<T>> {
  const held: Recorded<T>[] = [];
  for await (const upload of uploads) {
    const name = nameOfUpload(layout, upload.key);
    if (name === undefined) continue;
    const next = { upload, recordKey: recordKey(layout, name) };
    if (!hasOwnName(layout, next)) {
      yield next;
      continue;
    }
    for (let last = held.at(-1); last && compareKeys(last.recordKey, next.recordKey) < 0; last = held.at(-1)) {
      held.pop();
      yield last;
    }
    held.push(next);
  }
  yield* held.reverse();
}

/**
 * Joins uploads with the records' listing; each is read once and neither is held.
 * @param uploads in the order of `inRecordOrder`
 * @param records in the order of their keys' UTF-8 bytes
 * @returns each upload with the listing's entry for its record; `unknown` where the record's key is no upload's name and
 *   has to be looked for by itself
 */
export async function* withRecords<T extends { key: string }, R extends { key: string }>(
  uploads: AsyncIterable<Recorded<T>>,
  records: AsyncIterable<R>,
  layout: KeyLayout,
): AsyncGenerator<Recorded<T> & { record: R | undefined | 'unknown' }> {
  const listing = records[Symbol.asyncIterator]();
  try {
    let record = await listing.next();
    for await (const recorded of uploads) {
      if (!hasOwnName(layout, recorded)) {
        yield { ...recorded, record: 'unknown' };
        continue;
      }
      while (!record.done && compareKeys(record.value.key, recorded.recordKey) < 0) record = await listing.next();
      const found = !record.done && record.value.key === recorded.recordKey ? record.value : undefined;
      yield { ...recorded, record: found };
    }
  } finally {
    await listing.return?.();
  }
}

/** By UTF-8 bytes, as S3 lists; JavaScript's own order differs beyond the basic plane. */
export function compareKeys(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

function hasOwnName<T extends { key: string }>(layout: KeyLayout, { upload, recordKey }: Recorded<T>): boolean {
  return recordKey === `${layout.records}${nameOfUpload(layout, upload.key)}.json`;
}
