import Table from 'cli-table3';
import type { DeliveredRecord, RestorationRecord, Timings } from '../lib/contracts/record.ts';
import { learnedScore } from '../lib/contracts/scores.ts';
import type { ShareResult } from '../restore/share.ts';

export interface Summary extends ShareResult {
  records: RestorationRecord[];
  /** Files that are no pictures. */
  ignored: number;
  /** Where results and records lie. */
  place: string;
  quiet: boolean;
}

/**
 * Prints what became of each picture, on stderr.
 * @returns whether any upload failed or is not settled
 */
export function summarise({ records, settled, unsettled, ignored, place, quiet }: Summary): boolean {
  const failed = records.filter((record) => record.status === 'failed').length + unsettled.length;
  for (const { upload, outcome } of settled) {
    if (outcome.standing === 'open' || !outcome.failure) continue;
    const { message, code } = outcome.failure;
    process.stderr.write(`${upload.key}: its earlier result stays. ${message} [${code}]\n`);
  }
  for (const { upload, error } of unsettled) process.stderr.write(`${upload.key}: ${error.message} [${error.code}]\n`);
  if (quiet) return failed > 0;
  process.stderr.write(`${outcomeTable(records)}\n`);
  const counted = (status: string) => records.filter((record) => record.status === status).length;
  const skipped = (standing: string) => settled.filter(({ outcome }) => outcome.standing === standing).length;
  const parts = [
    `${counted('succeeded')} restored`,
    `${counted('unchanged')} unchanged`,
    `${failed} failed`,
    ...(skipped('done') ? [`${skipped('done')} of them done before`] : []),
    ...(skipped('other-settings')
      ? [`${skipped('other-settings')} done with other settings or models (--overwrite redoes them)`]
      : []),
    ...(skipped('overtaken') ? [`${skipped('overtaken')} overtaken by a newer version`] : []),
    ...(ignored ? [`${ignored} files that are no pictures left alone`] : []),
  ];
  process.stderr.write(`${parts.join(', ')}. Results and records: ${place}\n`);
  return failed > 0;
}

export function outcomeTable(records: RestorationRecord[]): string {
  const withFaces = records.some((record) => record.status !== 'failed' && record.faces?.length);
  const table = new Table({
    head: ['file', 'decision', 'quality', 'gain', ...(withFaces ? ['faces'] : []), 'seconds'],
    style: { head: [], border: [], compact: true },
  });
  for (const record of records) {
    if (record.status === 'failed') {
      table.push([record.source.key, `failed: ${record.error.code}`, '', '', ...(withFaces ? [''] : []), '']);
      continue;
    }
    const learned = learnedScore(record.assessment);
    const after = learned?.after;
    table.push([
      record.source.key,
      `${record.status}: ${record.decision.reason}`,
      learned ? `${learned.before.toFixed(2)}${after === undefined ? '' : ` -> ${after.toFixed(2)}`}` : '',
      learned && after !== undefined ? signed(after - learned.before) : '',
      ...(withFaces ? [facesOf(record)] : []),
      worked(record.timings).toFixed(1),
    ]);
  }
  return table.toString();
}

/** Restored, of those found. */
function facesOf({ faces = [] }: DeliveredRecord): string {
  return faces.length === 0 ? '' : `${faces.filter(({ status }) => status === 'restored').length} of ${faces.length}`;
}

/** Seconds of work on a picture: its waiting for the network, while another was in it, left out. */
function worked({ fetch, decode, assess, restore, faces = 0, encode }: Timings): number {
  return fetch + decode + assess + restore + faces + encode;
}

function signed(value: number): string {
  return `${value < 0 ? '' : '+'}${value.toFixed(2)}`;
}
