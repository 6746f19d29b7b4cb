import { z } from 'zod';
import { Upload } from './object-event.ts';
import { Settings } from './settings.ts';

/** What one job has to do: the uploads, split into the shares of its children, and what is asked of them. */
export const JobManifest = z.strictObject({
  version: z.literal(1),
  createdAt: z.iso.datetime(),
  settings: Settings,
  /** Restore again what is done, even with the same source and settings. */
  overwrite: z.boolean().default(false),
  /** One share per child of an array job. */
  shares: z.array(z.array(Upload).min(1)).min(1),
});
export type JobManifest = z.infer<typeof JobManifest>;
