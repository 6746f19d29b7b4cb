import { z } from 'zod';
import { Settings } from '../lib/contracts/settings.ts';

/** The environment of the dispatch Lambda; infra fills in the same names. */
export const DispatchEnv = z.object({
  IQPIR_UPLOADS_BUCKET: z.string().min(1),
  /** Empty, or ending in a slash. */
  IQPIR_UPLOADS_PREFIX: z
    .string()
    .regex(/^$|\/$/)
    .default(''),
  IQPIR_RESULTS_BUCKET: z.string().min(1),
  IQPIR_JOB_QUEUE: z.string().min(1),
  /** With its revision: queued work must not change under way. */
  IQPIR_JOB_DEFINITION: z.string().min(1),
  /** JSON of the settings that hold where an upload asks for nothing else. */
  IQPIR_SETTINGS: z
    .string()
    .default('{}')
    .transform((text, context) => {
      try {
        return JSON.parse(text) as unknown;
      } catch {
        context.addIssue(`Expected JSON but received ${text}`);
        return z.NEVER;
      }
    })
    .pipe(Settings),
});
export type DispatchEnv = z.infer<typeof DispatchEnv>;
