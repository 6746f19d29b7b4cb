import type { RestorationRecord } from '../../lib/contracts/record.ts';
import { gainOf, learnedOf, megapixels, workSeconds } from './gain.ts';

/** What became of all the pictures together. */
export interface Totals {
  succeeded: number;
  unchanged: number;
  failed: number;
  /** Average gain of the restored, one for each scale that scores live on: averages never cross scales. */
  gains: { metric: string; range: [number, number]; average: number; pictures: number }[];
  /** Of work on the pictures that a restorer ran on; undefined where none did. */
  secondsPerMegapixel: number | undefined;
  /** ISO 8601, when the last one was completed; undefined without records. */
  completedAt: string | undefined;
}

export function totalsOf(records: readonly RestorationRecord[]): Totals {
  const counted = (status: RestorationRecord['status']) => records.filter((record) => record.status === status).length;
  const ran = records.filter((record) => record.status !== 'failed' && record.tiles > 0);
  const area = sum(ran.map(megapixels));
  return {
    succeeded: counted('succeeded'),
    unchanged: counted('unchanged'),
    failed: counted('failed'),
    gains: averageGains(records),
    secondsPerMegapixel: area > 0 ? sum(ran.map(workSeconds)) / area : undefined,
    completedAt: records.map(({ completedAt }) => completedAt).reduce<string | undefined>(later, undefined),
  };
}

function averageGains(records: readonly RestorationRecord[]): Totals['gains'] {
  const scales = new Map<string, { metric: string; range: [number, number]; gains: number[] }>();
  for (const record of records) {
    const learned = learnedOf(record);
    const gain = gainOf(record);
    if (record.status !== 'succeeded' || !learned || gain === undefined) continue;
    const scale = `${learned.metric} ${learned.model?.sha256}`;
    const { gains } = scales.get(scale) ?? { gains: [] };
    scales.set(scale, { metric: learned.metric, range: learned.range, gains: [...gains, gain] });
  }
  return [...scales.values()].map(({ metric, range, gains }) => ({
    metric,
    range,
    average: sum(gains) / gains.length,
    pictures: gains.length,
  }));
}

function later(a: string | undefined, b: string): string {
  return a !== undefined && a > b ? a : b;
}

function sum(values: number[]): number {
  return values.reduce((all, value) => all + value, 0);
}
