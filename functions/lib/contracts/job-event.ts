import { z } from 'zod';

const Container = z.looseObject({ exitCode: z.int().optional(), reason: z.string().optional() });

/**
 * A `Batch Job State Change` event, as far as this product reads it. A job that Batch tries again is not FAILED: that is its end.
 * @see https://docs.aws.amazon.com/batch/latest/userguide/batch_job_events.html
 */
export const JobEvent = z.looseObject({
  source: z.literal('aws.batch'),
  'detail-type': z.literal('Batch Job State Change'),
  time: z.iso.datetime({ offset: true }),
  detail: z.looseObject({
    jobId: z.string(),
    status: z.string(),
    statusReason: z.string().optional(),
    parameters: z.looseObject({ manifest: z.string().optional(), manifestVersion: z.string().optional() }).default({}),
    /** Of a child its index, of an array job its size and how many of its children are in which state. */
    arrayProperties: z
      .looseObject({
        index: z.int().nonnegative().optional(),
        size: z.int().positive().optional(),
        statusSummary: z.record(z.string(), z.number()).optional(),
      })
      .default({}),
    container: Container.optional(),
    attempts: z
      .array(z.looseObject({ container: Container.optional(), statusReason: z.string().optional() }))
      .default([]),
  }),
});
export type JobEvent = z.infer<typeof JobEvent>;
