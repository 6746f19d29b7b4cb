import { json } from 'node:stream/consumers';
import { type KeyLayout, nameOfUpload, recordKey } from '../lib/contracts/keys.ts';
import type { Upload } from '../lib/contracts/object-event.ts';
import { RestorationRecord } from '../lib/contracts/record.ts';
import type { ObjectStore } from '../lib/storage/store.ts';

/** The records at the uploads' keys, in the order of the uploads; an upload that is not settled has none. */
export async function readRecords(
  store: ObjectStore,
  layout: KeyLayout,
  uploads: Upload[],
): Promise<RestorationRecord[]> {
  const records: RestorationRecord[] = [];
  for (const { key } of uploads) {
    const at = recordKey(layout, nameOfUpload(layout, key) ?? key);
    if (!(await store.head(at))) continue;
    const { body } = await store.get(at);
    const record = RestorationRecord.safeParse(await json(body));
    // A record of a newer version of this software is none that we can show.
    if (record.success) records.push(record.data);
  }
  return records;
}
