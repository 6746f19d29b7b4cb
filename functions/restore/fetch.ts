import { createHash } from 'node:crypto';
import type { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { RestorationError } from '../lib/contracts/errors.ts';
import type { Upload } from '../lib/contracts/object-event.ts';
import type { Source } from '../lib/contracts/record.ts';
import type { ObjectHead, ObjectStore } from '../lib/storage/store.ts';

export interface Opened {
  head: ObjectHead;
  body: Readable;
}

/** The upload's own version, and nothing that came in its place. */
export function openUpload(upload: Upload, source: Pick<ObjectStore, 'get'>): Promise<Opened> {
  const { version, etag } = upload;
  return source.get(upload.key, { version, etag });
}

/** Reads the upload whole, and notes in its source what was read. */
export async function readUpload({ head, body }: Opened, upload: Upload, source: Source): Promise<Buffer> {
  const bytes = await buffer(body);
  source.size = bytes.length;
  source.lastModified = head.lastModified;
  source.sha256 = createHash('sha256').update(bytes).digest('hex');
  if (bytes.length !== head.size) {
    throw new RestorationError(
      'store-unavailable',
      `Expected ${head.size} bytes of ${upload.key}, but ${bytes.length} came. Try again.`,
    );
  }
  return bytes;
}
