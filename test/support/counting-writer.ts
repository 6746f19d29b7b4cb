/** Counts in one object together with others: `counting-writer.ts ROOT KEY TIMES`. */
import { buffer } from 'node:stream/consumers';
import { RestorationError } from '../../functions/lib/contracts/errors.ts';
import { FolderStore } from '../../functions/lib/storage/folder-store.ts';

const [root = '', key = '', times = '0'] = process.argv.slice(2);
const store = new FolderStore({ root });
console.log('counting');

for (let counted = 0; counted < Number(times); ) {
  try {
    const head = await store.head(key);
    if (!head) {
      await store.put(key, Buffer.from('1'), { condition: 'absent' });
    } else {
      const { body } = await store.get(key, { etag: head.etag });
      const next = Number(await buffer(body)) + 1;
      await store.put(key, Buffer.from(`${next}`), { condition: { etag: head.etag } });
    }
    counted += 1;
  } catch (error) {
    const isRace = error instanceof RestorationError && ['store-conflict', 'source-gone'].includes(error.code);
    if (!isRace) throw error;
  }
}
