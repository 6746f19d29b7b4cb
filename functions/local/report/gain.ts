import type { RestorationRecord, Score } from '../../lib/contracts/record.ts';

/** How much better a measure became, in its own unit: positive is better whatever its direction. */
export function improvement({ direction, before, after }: Score): number | undefined {
  if (after === undefined) return undefined;
  return direction === 'higher-is-better' ? after - before : before - after;
}

/** The score that a model gave: the one that decides. */
export function learnedOf(record: RestorationRecord): Score | undefined {
  return record.status === 'failed' ? undefined : record.assessment.find(({ model }) => model !== undefined);
}

/** By how much the delivered picture is better than its source: 0 where the original was delivered, undefined where unknown. */
export function gainOf(record: RestorationRecord): number | undefined {
  if (record.status === 'failed') return undefined;
  if (record.decision.delivered === 'original') return 0;
  const learned = learnedOf(record);
  return learned && improvement(learned);
}

/** Seconds of work, without waiting for another picture's turn. */
export function workSeconds(record: RestorationRecord): number {
  if (record.status === 'failed') return 0;
  const { fetch, decode, assess, restore, faces = 0, encode } = record.timings;
  return fetch + decode + assess + restore + faces + encode;
}

/** Millions of pixels. */
export function megapixels(record: RestorationRecord): number {
  return record.status === 'failed' ? 0 : (record.image.width * record.image.height) / 1e6;
}
