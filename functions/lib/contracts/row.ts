import { z } from 'zod';
import type { DeliveredRecord, RestorationRecord } from './record.ts';
import { decidingScore, learnedScore } from './scores.ts';

const seconds = z.number().nonnegative();

/**
 * One row per version of an upload, flat, for queries over all of them; what does not apply is left out. Lower case, since
 * Athena knows no other. The day of `created` is the partition `date` and stands in the key.
 */
export const RestorationRow = z.strictObject({
  version: z.literal(1),
  status: z.enum(['succeeded', 'unchanged', 'failed']),
  /** Of a failed one. */
  code: z.string().optional(),
  fault: z.string().optional(),
  /** Of the decision, of all others. */
  reason: z.string().optional(),
  bucket: z.string(),
  key: z.string(),
  source_version: z.string().optional(),
  /** bytes */
  size: z.int().nonnegative(),
  format: z.string().optional(),
  width: z.int().optional(),
  height: z.int().optional(),
  pixels: z.int().optional(),
  /** The learned score that decided. */
  metric: z.string().optional(),
  before: z.number().optional(),
  after: z.number().optional(),
  /** How much better the candidate was, delivered or not: positive is better, whatever the score's direction. */
  gain: z.number().optional(),
  /** Of work on the picture, waiting left out. */
  seconds: seconds.optional(),
  /** Inside the models. */
  predict_seconds: seconds.optional(),
  /** From the upload to its record. */
  latency_seconds: seconds,
  tiles: z.int().optional(),
  device: z.string().optional(),
  /** Asked for; it ran where there are tiles. */
  model: z.string(),
  model_version: z.string().optional(),
  /** Found; left out where none were looked for. */
  faces: z.int().optional(),
  faces_restored: z.int().optional(),
  /** The learned score of the face that came out worst, on the scale of `metric`, and what became of it. */
  worst_face: z.number().optional(),
  worst_face_status: z.string().optional(),
  result_key: z.string().optional(),
  /** bytes */
  result_size: z.int().optional(),
  software: z.string(),
  /** ISO 8601 */
  created: z.string(),
  completed: z.string(),
});
export type RestorationRow = z.infer<typeof RestorationRow>;

type ColumnType = 'string' | 'bigint' | 'int' | 'double';

/** The columns as Athena types them. */
export const rowColumns = {
  version: 'int',
  status: 'string',
  code: 'string',
  fault: 'string',
  reason: 'string',
  bucket: 'string',
  key: 'string',
  source_version: 'string',
  size: 'bigint',
  format: 'string',
  width: 'int',
  height: 'int',
  pixels: 'bigint',
  metric: 'string',
  before: 'double',
  after: 'double',
  gain: 'double',
  seconds: 'double',
  predict_seconds: 'double',
  latency_seconds: 'double',
  tiles: 'int',
  device: 'string',
  model: 'string',
  model_version: 'string',
  faces: 'int',
  faces_restored: 'int',
  worst_face: 'double',
  worst_face_status: 'string',
  result_key: 'string',
  result_size: 'bigint',
  software: 'string',
  created: 'string',
  completed: 'string',
} as const satisfies Record<keyof RestorationRow, ColumnType>;

export function rowOf(record: RestorationRecord): RestorationRow {
  const { source, software, createdAt, completedAt } = record;
  const common = {
    version: 1 as const,
    status: record.status,
    bucket: source.bucket,
    key: source.key,
    source_version: source.version ?? source.etag,
    size: source.size,
    latency_seconds: Math.max(0, Date.parse(completedAt) - Date.parse(createdAt)) / 1000,
    model: record.settings.model,
    software: `${software.name} ${software.version}`,
    created: createdAt,
    completed: completedAt,
  };
  if (record.status === 'failed') return { ...common, code: record.error.code, fault: record.error.fault };
  const { image, timings, result } = record;
  const { fetch, decode, assess, restore, faces = 0, encode } = timings;
  return {
    ...common,
    reason: record.decision.reason,
    format: image.format,
    width: image.width,
    height: image.height,
    pixels: image.width * image.height,
    ...decidingScore(record.assessment),
    seconds: thousandths(fetch + decode + assess + restore + faces + encode),
    predict_seconds: timings.predictTime,
    tiles: record.tiles,
    device: record.device,
    model_version: record.models.find(({ id }) => id === record.settings.model)?.version,
    ...facesOf(record),
    result_key: result.key,
    result_size: result.size,
  };
}

function facesOf({ faces, assessment }: DeliveredRecord) {
  if (!faces) return {};
  const higherIsBetter = learnedScore(assessment)?.direction !== 'lower-is-better';
  const worst = faces
    .flatMap(({ quality, status }) =>
      quality ? [{ status, score: status === 'restored' ? (quality.after ?? quality.before) : quality.before }] : [],
    )
    .sort((a, b) => (higherIsBetter ? a.score - b.score : b.score - a.score))
    .at(0);
  return {
    faces: faces.length,
    faces_restored: faces.filter(({ status }) => status === 'restored').length,
    worst_face: worst?.score,
    worst_face_status: worst?.status,
  };
}

function thousandths(value: number): number {
  return Math.round(value * 1000) / 1000;
}
