import { z } from 'zod';

/**
 * An EventBridge `Object Created` event of S3, as far as this product reads it. Keys come as they are, not URL-encoded.
 * @see https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html
 */
export const ObjectEvent = z.looseObject({
  id: z.string(),
  source: z.literal('aws.s3'),
  'detail-type': z.literal('Object Created'),
  time: z.iso.datetime({ offset: true }),
  detail: z.looseObject({
    bucket: z.looseObject({ name: z.string().min(1) }),
    object: z.looseObject({
      key: z.string().min(1),
      size: z.int().nonnegative(),
      etag: z.string().optional(),
      'version-id': z.string().optional(),
      sequencer: z.string().regex(/^[0-9A-Fa-f]+$/),
    }),
  }),
});
export type ObjectEvent = z.infer<typeof ObjectEvent>;

/** One version of an object that was put into the uploads. */
export const Upload = z.strictObject({
  bucket: z.string(),
  /** The object's full key, the uploads prefix included. */
  key: z.string().min(1),
  version: z.string().optional(),
  etag: z.string().optional(),
  /** bytes */
  size: z.int().nonnegative(),
  /** Orders the versions of a key; a backfill has none. */
  sequencer: z.string().optional(),
  /** ISO 8601, when the event was raised. */
  eventTime: z.string(),
});
export type Upload = z.infer<typeof Upload>;

export function uploadOf(event: ObjectEvent): Upload {
  const { bucket, object } = event.detail;
  return {
    bucket: bucket.name,
    key: object.key,
    version: object['version-id'],
    etag: object.etag,
    size: object.size,
    sequencer: object.sequencer,
    eventTime: event.time,
  };
}

/**
 * Orders two sequencers of one key: hex strings, the shorter right-padded with zeros, as S3 documents it.
 * @returns negative where a came before b, 0 where they are equal, positive where it came after
 */
export function compareSequencers(a: string, b: string): number {
  const length = Math.max(a.length, b.length);
  const left = a.toLowerCase().padEnd(length, '0');
  const right = b.toLowerCase().padEnd(length, '0');
  return left < right ? -1 : left > right ? 1 : 0;
}
