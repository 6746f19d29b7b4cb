/**
 * Writes to a few objects of a folder without end, so that it can be killed anywhere: `busy-writer.ts ROOT`.
 * Every object says its own sha256 in its metadata.
 */
import { createHash, randomBytes, randomInt } from 'node:crypto';
import { Readable } from 'node:stream';
import { RestorationError } from '../../functions/lib/contracts/errors.ts';
import { FolderStore } from '../../functions/lib/storage/folder-store.ts';

const [root = ''] = process.argv.slice(2);
const store = new FolderStore({ root });
const keys = ['a', 'b/c', 'b/d/e', 'new folder/f'];

async function write(key: string): Promise<void> {
  const body = randomBytes(randomInt(1, 300_000));
  const metadata = { sha256: createHash('sha256').update(body).digest('hex') };
  const head = await store.head(key);
  const condition = head ? { etag: head.etag } : 'absent';
  const stream = Readable.from([body.subarray(0, 1000), body.subarray(1000)]);
  await store.put(key, randomInt(2) ? stream : body, randomInt(3) ? { metadata, condition } : { metadata });
  if (randomInt(6) === 0) await store.delete(key);
}

async function writeForever(): Promise<never> {
  for (;;) {
    try {
      await write(keys[randomInt(keys.length)] ?? 'a');
    } catch (error) {
      // Writers in each other's way are what this program is for; anything else is a finding.
      if (!(error instanceof RestorationError) || error.fault !== 'transient') throw error;
    }
  }
}

await write('a');
console.log('writing');
await Promise.all([writeForever(), writeForever(), writeForever(), writeForever()]);
