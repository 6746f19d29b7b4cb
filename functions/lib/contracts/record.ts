import { z } from 'zod';
import { type ErrorCode, faultOf } from './errors.ts';
import { Settings } from './settings.ts';

const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const seconds = z.number().nonnegative();

/** One measure of quality, of the source and of the candidate that the model made of it. */
export const Score = z.strictObject({
  metric: z.string(),
  /** The model that gave it; classic measures have none. */
  model: z.strictObject({ id: z.string(), version: z.string(), sha256 }).optional(),
  range: z.tuple([z.number(), z.number()]),
  direction: z.enum(['higher-is-better', 'lower-is-better']),
  before: z.number(),
  /** Always the candidate's, delivered or not. Left out where nothing was restored. */
  after: z.number().optional(),
});
export type Score = z.infer<typeof Score>;

export const Source = z.strictObject({
  bucket: z.string(),
  key: z.string(),
  version: z.string().optional(),
  etag: z.string().optional(),
  size: z.int().nonnegative(),
  sha256: sha256.optional(),
  sequencer: z.string().optional(),
  /** ISO 8601 */
  lastModified: z.string().optional(),
});
export type Source = z.infer<typeof Source>;

export const ImageFacts = z.strictObject({
  format: z.enum(['jpeg', 'png', 'webp', 'avif', 'tiff', 'gif']),
  width: z.int().positive(),
  height: z.int().positive(),
  /** Of the colour alone: 1 is gray, 3 is RGB. */
  channels: z.union([z.literal(1), z.literal(3)]),
  bitDepth: z.union([z.literal(8), z.literal(16)]),
  hasAlpha: z.boolean(),
  hasProfile: z.boolean(),
  /** EXIF orientation of the source, 1 to 8; results are always 1. */
  orientation: z.int().min(1).max(8),
  /** Frames or pages; only the first is restored. */
  pages: z.int().positive(),
});
export type ImageFacts = z.infer<typeof ImageFacts>;

export const Result = z.strictObject({
  bucket: z.string(),
  key: z.string(),
  sha256,
  size: z.int().nonnegative(),
  format: z.enum(['jpeg', 'png', 'webp', 'avif', 'tiff', 'gif']),
  width: z.int().positive(),
  height: z.int().positive(),
});
export type Result = z.infer<typeof Result>;

export const decisionReasons = [
  'better',
  'not-worse',
  'always',
  'faces-better',
  'already-good',
  'not-better',
  'measures-collapsed',
  'blank',
  'colour-shift',
  'structure-lost',
] as const;

export const Decision = z.strictObject({
  delivered: z.enum(['restored', 'original']),
  reason: z.enum(decisionReasons),
  /** The reason in words, with its numbers. */
  message: z.string(),
  /** Share of the model's change that was held to be justified by the score before; left out where all of it was. */
  changeKept: z.number().min(0).max(1).optional(),
});
export type Decision = z.infer<typeof Decision>;

const ratio = z.number();
const Place = z.strictObject({ x: ratio, y: ratio });

export const faceStatuses = [
  'restored',
  'kept',
  'too-small',
  'too-large',
  'uncertain',
  'identity-drift',
  'worse',
] as const;

/** One face that was found, and what became of it. */
export const Face = z.strictObject({
  /** Ratios of the upright picture's width and height, from its top left corner; a box may reach beyond the picture. */
  box: z.strictObject({ x: ratio, y: ratio, width: ratio.positive(), height: ratio.positive() }),
  /** Ratios as the box's. Left is left in the picture of an upright face. */
  landmarks: z.strictObject({
    'left-eye': Place.optional(),
    'right-eye': Place.optional(),
    nose: Place.optional(),
    mouth: Place.optional(),
    'mouth-left': Place.optional(),
    'mouth-right': Place.optional(),
  }),
  /** How sure the detector is, 0 to 1. */
  detectionScore: z.number().min(0).max(1),
  /** The box's longer side in pixels of the source. */
  sourcePixels: z.number().positive(),
  /** Pixels of the face model's input for one of the source: above 1 the face was enlarged for it. */
  enlargement: z.number().positive().optional(),
  /** The learned score of the aligned face alone, by the model and on the scale of the picture's own. */
  quality: z.strictObject({ before: z.number(), after: z.number().optional() }).optional(),
  identity: z
    .strictObject({
      /** How well the restored face, damaged again as the source is, matches it: 1 is a perfect match. */
      consistency: z.number(),
      /** Between the embeddings of source and restored face, where a model to embed is installed. */
      distance: z.number().nonnegative().optional(),
    })
    .optional(),
  /** All but `restored` were left as the rest of the picture. */
  status: z.enum(faceStatuses),
  /** The status in words, with its numbers. */
  reason: z.string(),
});
export type Face = z.infer<typeof Face>;

export const faceTreatmentReasons = ['restored', 'none-restored', 'none-found', 'off', 'no-model'] as const;

/** Whether faces were treated as faces, or as the rest of the picture, and why. */
export const FaceTreatment = z.strictObject({
  as: z.enum(['faces', 'the-rest']),
  reason: z.enum(faceTreatmentReasons),
  message: z.string(),
});
export type FaceTreatment = z.infer<typeof FaceTreatment>;

export const Warning = z.strictObject({ code: z.string(), message: z.string() });
export type Warning = z.infer<typeof Warning>;

export const Timings = z.strictObject({
  fetch: seconds,
  decode: seconds,
  assess: seconds,
  restore: seconds,
  encode: seconds,
  /** Finding faces, restoring, judging and pasting them; left out where none were looked for. */
  faces: seconds.optional(),
  /** Inside the models alone. */
  predictTime: seconds,
  /** From the first byte read to the result put; waiting for another picture's turn included. */
  totalTime: seconds,
});
export type Timings = z.infer<typeof Timings>;

const common = {
  version: z.literal(1),
  source: Source,
  settings: Settings,
  settingsHash: sha256,
  software: z.strictObject({ name: z.string(), version: z.string() }),
  /** ISO 8601: when the upload was accepted, its work began and its work ended. */
  createdAt: z.iso.datetime(),
  startedAt: z.iso.datetime(),
  completedAt: z.iso.datetime(),
  warnings: z.array(Warning),
};

const delivered = {
  ...common,
  result: Result,
  image: ImageFacts,
  assessment: z.array(Score).min(1),
  decision: Decision,
  /** Left out in records from before faces were treated apart. */
  faceTreatment: FaceTreatment.optional(),
  /** All that were found, the surest first; left out where none were looked for. */
  faces: z.array(Face).optional(),
  models: z.array(z.strictObject({ id: z.string(), task: z.string(), version: z.string(), sha256 })),
  timings: Timings,
  /** How many the picture was cut into; 0 where no restorer ran. */
  tiles: z.int().nonnegative(),
  device: z.enum(['cpu', 'cuda', 'webgpu']),
  /** Highest resident memory of the process so far, bytes. */
  peakMemory: z.int().nonnegative(),
};

const errorCodes = Object.keys(faultOf) as [ErrorCode, ...ErrorCode[]];

/** The terminal record of one upload; written last, it commits the result. */
export const RestorationRecord = z.discriminatedUnion('status', [
  z.strictObject({ status: z.literal('succeeded'), ...delivered }),
  z.strictObject({ status: z.literal('unchanged'), ...delivered }),
  z.strictObject({
    status: z.literal('failed'),
    ...common,
    error: z.strictObject({
      code: z.enum(errorCodes),
      fault: z.enum(['input', 'config', 'transient']),
      message: z.string(),
    }),
  }),
]);
export type RestorationRecord = z.infer<typeof RestorationRecord>;
export type DeliveredRecord = Exclude<RestorationRecord, { status: 'failed' }>;

/** As much of a record, of any schema version, as the commit check needs. */
export const CommittedRecord = z.looseObject({
  version: z.number(),
  status: z.string(),
  settingsHash: z.string().optional(),
  source: z.looseObject({
    key: z.string(),
    version: z.string().optional(),
    etag: z.string().optional(),
    sequencer: z.string().optional(),
    lastModified: z.string().optional(),
  }),
  error: z.looseObject({ fault: z.string() }).optional(),
});
export type CommittedRecord = z.infer<typeof CommittedRecord>;
