import { z } from 'zod';

const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const unit = z.number().min(0).max(1);

/** A tensor of the ONNX file. `role` says what this product feeds it with or reads from it. */
const Tensor = z.strictObject({
  name: z.string(),
  role: z.enum(['image', 'score', 'fidelity', 'restored', 'weight', 'codes']),
  type: z.enum(['float32', 'int64', 'int32']),
  /** A number is fixed, a name is free: [N, 3, H, W]. */
  shape: z.array(z.union([z.string(), z.int().positive()])),
  range: z.tuple([z.number(), z.number()]).optional(),
});

/** What must be known of a model to run it, to trust it and to judge it. Adding a model adds a card, never code. */
export const ModelCard = z.strictObject({
  version: z.literal(1),
  id: z.string().regex(/^[a-z0-9][a-z0-9-]{0,63}$/),
  modelVersion: z.string(),
  title: z.string(),
  task: z.enum(['restore', 'assess']),
  /** Relative to the card's registry. */
  file: z.string(),
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
  defaults: z.strictObject({ score: unit.optional(), fidelity: unit.optional() }).default({}),
  /** Restore: which assessment decides, what is good already, and how much better a result must be. */
  decision: z
    .strictObject({
      assess: z.string(),
      good: z.number(),
      margin: z.number(),
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
