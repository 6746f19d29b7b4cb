import { createHash } from 'node:crypto';
import { z } from 'zod';

export const outputFormats = ['same', 'jpeg', 'png', 'webp', 'avif', 'tiff'] as const;
export const metadataPolicies = ['keep', 'copyright', 'none'] as const;
export const deliveries = ['better', 'always'] as const;
export const faceWishes = ['auto', 'off'] as const;

/** What is asked of a restoration. Score and fidelity left out mean the model card's defaults. */
export const Settings = z.strictObject({
  model: z.string().min(1).default('iqpir-photo'),
  score: z.number().min(0).max(1).optional(),
  fidelity: z.number().min(0).max(1).optional(),
  deliver: z.enum(deliveries).default('better'),
  format: z.enum(outputFormats).default('same'),
  metadata: z.enum(metadataPolicies).default('keep'),
  maxPixels: z.int().positive().default(150_000_000),
  /** auto: faces are restored by a model of their own where one is installed, and a detector. */
  faces: z.enum(faceWishes).default('auto'),
  /** 2: enlarged by Lanczos before anything else, so that `maxPixels` counts the result's. */
  scale: z.union([z.literal(1), z.literal(2)]).default(1),
});
export type Settings = z.infer<typeof Settings>;
export type OutputFormat = Settings['format'];
export type MetadataPolicy = Settings['metadata'];

/**
 * Identity of a result: the same source with the same hash is not restored again.
 * @param modelHashes sha256 of every model file that takes part, and of the numbers by which its results are delivered
 * @returns sha256, hex
 */
export function hashSettings(settings: Settings, modelHashes: string[]): string {
  // What faces are restored by is among the model hashes, and an absent enlargement changes nothing: results made before
  // these two could be asked for keep their identity.
  const { faces: _, scale, ...others } = settings;
  const entries = Object.entries({ ...others, scale: scale === 1 ? undefined : scale }).filter(
    ([, value]) => value !== undefined,
  );
  const canonical = JSON.stringify([entries.sort(([a], [b]) => (a < b ? -1 : 1)), [...modelHashes].sort()]);
  return createHash('sha256').update(canonical).digest('hex');
}
