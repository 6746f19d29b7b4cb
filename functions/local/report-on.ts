import { buffer } from 'node:stream/consumers';
import { asRestorationError } from '../lib/contracts/errors.ts';
import type { RestorationRecord } from '../lib/contracts/record.ts';
import type { Installation } from '../lib/installation.ts';
import type { ObjectStore } from '../lib/storage/store.ts';
import { writeReport } from './report/report.ts';

export interface ReportOn {
  records: RestorationRecord[];
  source: Pick<ObjectStore, 'get'>;
  /** The report is written at its root. */
  results: ObjectStore;
  title: string;
  installation: Installation;
}

/** Writes report.html over the records. @returns its path */
export function reportOn({ records, source, results, title, installation }: ReportOn): Promise<string> {
  return writeReport({
    records,
    source: (record) => bytesOf(source, record.source.key),
    result: async (record) => (record.status === 'failed' ? undefined : bytesOf(results, record.result.key)),
    directory: results.bucket,
    title,
    software: `${installation.name} ${installation.version}`,
  });
}

/** A picture that is gone by now is shown as missing, it does not spoil the report. */
async function bytesOf(store: Pick<ObjectStore, 'get'>, key: string): Promise<Buffer | undefined> {
  try {
    return await buffer((await store.get(key)).body);
  } catch (thrown) {
    const { code } = asRestorationError(thrown);
    if (code === 'source-gone' || code === 'source-unreadable') return undefined;
    throw thrown;
  }
}
