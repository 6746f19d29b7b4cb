import type { RestorationRecord } from '../../lib/contracts/record.ts';
import type { Preview } from './previews.ts';

/** A record and what of it can be shown. */
export interface Picture {
  record: RestorationRecord;
  /** Left out where the original was delivered. */
  before?: Preview;
  /** Of what was delivered. */
  after?: Preview;
  thumbnail?: Preview;
  /** Addresses of the whole files, relative to the page; undefined where they are not on this machine. */
  original?: string;
  delivered?: string;
}

/** The folder that all keys lie in, with its slash: it says nothing of any of them. Empty where there is none. */
export function commonFolder(keys: readonly string[]): string {
  const [first = '', ...others] = keys;
  const segments = first.split('/').slice(0, -1);
  while (segments.length > 0) {
    const folder = `${segments.join('/')}/`;
    if (others.every((key) => key.startsWith(folder))) return folder;
    segments.pop();
  }
  return '';
}
