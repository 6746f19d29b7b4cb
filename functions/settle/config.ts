import { z } from 'zod';

/** The environment of the settle Lambda, which also sweeps on a schedule; infra fills in the same names. */
export const SettleEnv = z.object({
  IQPIR_UPLOADS_BUCKET: z.string().min(1),
  /** Empty, or ending in a slash. */
  IQPIR_UPLOADS_PREFIX: z
    .string()
    .regex(/^$|\/$/)
    .default(''),
  IQPIR_RESULTS_BUCKET: z.string().min(1),
  /** Bus that hears of every committed record; left out, nobody does. */
  IQPIR_EVENT_BUS: z.string().min(1).optional(),
  IQPIR_JOB_QUEUE: z.string().min(1),
  /** What the sweep resubmits with. */
  IQPIR_JOB_DEFINITION: z.string().min(1),
});
export type SettleEnv = z.infer<typeof SettleEnv>;
