import type { ImageFacts, Warning } from '../contracts/record.ts';

/**
 * Pixels in memory: rows from the top, channels interleaved.
 * 8 bit in a Uint8Array, 16 bit in a Uint16Array; `pixels.length` is width x height x channels.
 */
export interface Image {
  width: number;
  height: number;
  channels: 1 | 3;
  pixels: Uint8Array | Uint16Array;
}

/** What a file carries beside its pixels, byte for byte. EXIF starts at the TIFF header ("II" or "MM"). */
export interface Metadata {
  icc?: Buffer;
  exif?: Buffer;
  xmp?: Buffer;
  /** EXIF orientation 1 to 8 of the source; already applied to the pixels. */
  orientation: number;
  /** What the source carries beside these and no result does, in words: IPTC, gain map, C2PA manifest and the like. */
  notCarried?: string[];
}

/** A decoded file: colour for the network, alpha kept apart, and all that must go back into the result. */
export interface DecodedImage {
  facts: ImageFacts;
  /** Gray (1) or RGB (3), in the file's own values: no profile applied. */
  colour: Image;
  /** One channel, the depth of the colour, never shown to a network. */
  alpha?: Image;
  metadata: Metadata;
  warnings: Warning[];
}

/** The largest value of a sample: 255 or 65,535. */
export function peakOf(image: Image): 255 | 65_535 {
  return image.pixels instanceof Uint16Array ? 65_535 : 255;
}
