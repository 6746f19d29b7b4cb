import { readFile, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { z } from 'zod';
import type { Bookkeeping } from './bookkeeping.ts';
import { hashedPath } from './digest-cache.ts';
import { isMissing } from './file-error.ts';
import { namesIn, replaceFile } from './staged-file.ts';

const Entry = z.strictObject({
  key: z.string(),
  sha256: z.string(),
  contentType: z.string().optional(),
  metadata: z.record(z.string(), z.string()),
  tags: z.record(z.string(), z.string()),
});
type Entry = z.infer<typeof Entry>;
export type ObjectMetadata = Omit<Entry, 'key' | 'sha256'>;

type Folders = Pick<Bookkeeping, 'metadata' | 'tmp'>;

/**
 * What was put with an object, found by its key and the sha256 of its bytes. A put writes the new content's file first
 * and removes the old one's last: killed anywhere in between, both the old and the new object have what is theirs.
 */
export async function readMetadata(folders: Folders, key: string, sha256: string): Promise<ObjectMetadata> {
  const nothing = { metadata: {}, tags: {} };
  try {
    const entry = Entry.safeParse(JSON.parse(await readFile(pathOf(folders, key, sha256), 'utf8'))).data;
    if (!entry || entry.key !== key || entry.sha256 !== sha256) return nothing;
    return { contentType: entry.contentType, metadata: entry.metadata, tags: entry.tags };
  } catch (error) {
    // A file that is no JSON is half a file after a power failure.
    if (isMissing(error) || error instanceof SyntaxError) return nothing;
    throw error;
  }
}

export async function writeMetadata(
  folders: Folders,
  key: string,
  sha256: string,
  { contentType, metadata, tags }: ObjectMetadata,
): Promise<void> {
  const path = pathOf(folders, key, sha256);
  if (contentType === undefined && isEmpty(metadata) && isEmpty(tags)) {
    await rm(path, { force: true });
    return;
  }
  await replaceFile(folders.tmp, path, JSON.stringify({ key, sha256, contentType, metadata, tags }));
}

/** Removes what belongs to other contents of a key, to all of them where it has none any more. */
export async function removeMetadata(folders: Folders, key: string, except?: string): Promise<void> {
  const hashed = hashedPath(folders.metadata, key);
  const kept = except === undefined ? undefined : basename(pathOf(folders, key, except));
  for (const name of await namesIn(dirname(hashed))) {
    if (name.startsWith(`${basename(hashed)}.`) && name !== kept)
      await rm(join(dirname(hashed), name), { force: true });
  }
}

function pathOf(folders: Folders, key: string, sha256: string): string {
  return `${hashedPath(folders.metadata, key)}.${sha256}.json`;
}

function isEmpty(record: Record<string, string>): boolean {
  return Object.keys(record).length === 0;
}
