import type { RestorationRecord } from '../../lib/contracts/record.ts';
import type { Preview } from './previews.ts';

/** A record and what of it can be shown. */
export interface Picture {
  record: RestorationRecord;
  /** Left out where the original was delivered. */
  before?: Preview;
  /** Of what was delivered. */
  after?: Preview;
  /** Addresses of the whole files, relative to the page; undefined where they are not on this machine. */
  original?: string;
  delivered?: string;
}
