import { z } from 'zod';
import type { RestorationRecord } from './record.ts';
import { decidingScore } from './scores.ts';

/** How the event goes by on its bus. */
export const restorationCompleted = { source: 'iqpir.restore', detailType: 'RestorationCompleted' } as const;

/** The event's detail: a summary of the record, which says the rest. Sent at least once for every record. */
export const RestorationCompleted = z.strictObject({
  version: z.literal(1),
  status: z.enum(['succeeded', 'unchanged', 'failed']),
  source: z.strictObject({ bucket: z.string(), key: z.string(), version: z.string().optional() }),
  record: z.strictObject({ bucket: z.string(), key: z.string() }),
  /** Left out where it failed. */
  result: z.strictObject({ bucket: z.string(), key: z.string() }).optional(),
  score: z
    .strictObject({
      metric: z.string(),
      before: z.number(),
      after: z.number().optional(),
      gain: z.number().optional(),
    })
    .optional(),
  decision: z.strictObject({ delivered: z.string(), reason: z.string() }).optional(),
  error: z.strictObject({ code: z.string(), fault: z.string(), message: z.string() }).optional(),
});
export type RestorationCompleted = z.infer<typeof RestorationCompleted>;

export function completedOf(record: RestorationRecord, at: { bucket: string; key: string }): RestorationCompleted {
  const { bucket, key, version } = record.source;
  const common = { version: 1 as const, status: record.status, source: { bucket, key, version }, record: at };
  if (record.status === 'failed') return { ...common, error: record.error };
  const { delivered, reason } = record.decision;
  const result = { bucket: record.result.bucket, key: record.result.key };
  return { ...common, result, score: decidingScore(record.assessment), decision: { delivered, reason } };
}
