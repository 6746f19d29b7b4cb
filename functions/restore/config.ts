import { z } from 'zod';

/** The environment of the restore container; infra and Batch fill in the same names. */
export const RestoreEnv = z.object({
  IQPIR_UPLOADS_BUCKET: z.string().min(1),
  /** Empty, or ending in a slash. */
  IQPIR_UPLOADS_PREFIX: z
    .string()
    .regex(/^$|\/$/)
    .default(''),
  IQPIR_RESULTS_BUCKET: z.string().min(1),
  IQPIR_DEVICE: z.enum(['cpu', 'cuda', 'webgpu']),
  /** Left out: all cores. */
  IQPIR_THREADS: z.coerce.number().int().positive().optional(),
  /** Bus that hears of every committed record; left out, nobody does. */
  IQPIR_EVENT_BUS: z.string().min(1).optional(),
  /** `true`: cards and models below `models/` in the results bucket are installed beside the shipped ones. */
  IQPIR_USER_MODELS: z.enum(['true', 'false']).default('false'),
  /** Set by Batch: which child of an array job this is, and which attempt. */
  AWS_BATCH_JOB_ARRAY_INDEX: z.coerce.number().int().nonnegative().default(0),
  AWS_BATCH_JOB_ATTEMPT: z.coerce.number().int().positive().default(1),
});
export type RestoreEnv = z.infer<typeof RestoreEnv>;
