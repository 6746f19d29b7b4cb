import { RestorationError } from '../contracts/errors.ts';

/** The formats that are read. */
export type SourceFormat = 'jpeg' | 'png' | 'webp' | 'avif' | 'tiff' | 'gif';

/** The formats that are written. */
export type ResultFormat = Exclude<SourceFormat, 'gif'>;

export const contentTypes = {
  jpeg: 'image/jpeg',
  png: 'image/png',
  webp: 'image/webp',
  avif: 'image/avif',
  tiff: 'image/tiff',
  gif: 'image/gif',
} as const satisfies Record<SourceFormat, string>;

/** Most pixels a side that a format can hold; PNG and TIFF hold more than memory does. */
const longestSide: Partial<Record<ResultFormat, number>> = { jpeg: 65_535, webp: 16_383, avif: 16_384 };

/** @throws RestorationError `invalid-request` where the format cannot hold a picture of this size */
export function checkSize({ width, height }: { width: number; height: number }, format: ResultFormat): void {
  const most = longestSide[format] ?? Number.POSITIVE_INFINITY;
  if (Math.max(width, height) <= most) return;
  throw new RestorationError(
    'invalid-request',
    `Expected at most ${most} pixels a side for ${format}, came ${width} x ${height}. Ask for png or tiff.`,
  );
}
