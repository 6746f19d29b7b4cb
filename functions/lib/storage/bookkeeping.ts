import { join } from 'node:path';

/** The folder below the root that holds what a plain folder of files cannot: no listing shows it. */
export const bookkeepingFolder = '.iqpir';

const parts = ['tmp', 'locks', 'digests', 'metadata'] as const;

export type Bookkeeping = Record<(typeof parts)[number], string>;

/**
 * - `tmp`: files that are still being written, named by the process that writes them
 * - `locks`: one file per key that is being changed
 * - `digests`: one file per key, the sha256 of its file for as long as the file's stamp stays
 * - `metadata`: one file per key and content, so that it can never be taken for another content's
 */
export function bookkeepingOf(root: string): Bookkeeping {
  const path = (part: string) => join(root, bookkeepingFolder, part);
  return { tmp: path('tmp'), locks: path('locks'), digests: path('digests'), metadata: path('metadata') };
}

/** Whether a key is the store's own. Other keys below `.iqpir/` are objects like any other. */
export function isBookkeeping([first, second]: string[]): boolean {
  return first === bookkeepingFolder && (second === undefined || parts.some((part) => part === second));
}
