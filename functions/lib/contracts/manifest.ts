import { z } from 'zod';
import { Upload } from './object-event.ts';
import { Settings } from './settings.ts';

/**
 * What is restored again though it is done: nothing, what other models or settings made of the same source, or everything.
 * A retry of `outdated` skips what the first attempt did; one of `true` begins anew.
 */
export const Overwrite = z.union([z.boolean(), z.literal('outdated')]);
export type Overwrite = z.infer<typeof Overwrite>;

/** What one job has to do: the uploads, split into the shares of its children, and what is asked of them. */
export const JobManifest = z.strictObject({
  version: z.literal(1),
  createdAt: z.iso.datetime(),
  settings: Settings,
  overwrite: Overwrite.default(false),
  /** Key of the manifest whose open uploads these are: they were submitted once more, and are not a third time. */
  resubmissionOf: z.string().optional(),
  /** One share per child of an array job. */
  shares: z.array(z.array(Upload).min(1)).min(1),
});
export type JobManifest = z.infer<typeof JobManifest>;
