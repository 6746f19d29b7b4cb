import type { ResultFormat } from '../formats.ts';
import { intoAvif } from './avif.ts';
import { intoJpeg } from './jpeg.ts';
import type { Packets } from './packets.ts';
import { intoPng } from './png.ts';
import { intoTiff } from './tiff.ts';
import { intoWebp } from './webp.ts';

/** @returns the file with the packets in it, and the names of those that its format has no place for */
export function attach(
  bytes: Buffer,
  format: ResultFormat,
  packets: Packets,
  size: { width: number; height: number },
): { bytes: Buffer; left: string[] } {
  if (!packets.exif && !packets.xmp && !packets.icc) return { bytes, left: [] };
  switch (format) {
    case 'jpeg':
      return intoJpeg(bytes, packets);
    case 'png':
      return { bytes: intoPng(bytes, packets), left: [] };
    case 'webp':
      return { bytes: intoWebp(bytes, packets, size), left: [] };
    case 'avif':
      return { bytes: intoAvif(bytes, packets), left: [] };
    case 'tiff':
      return intoTiff(bytes, packets);
  }
}
