import { uncarriedByJpeg } from './containers/jpeg.ts';
import { hasProfileChunk, uncarriedByPng } from './containers/png.ts';
import { exifOfTiff } from './containers/tiff.ts';
import type { SourceFormat } from './formats.ts';

/** Blocks of a file as they were found. */
export interface FoundMetadata {
  /** With or without the six bytes `Exif\0\0` before its TIFF header. */
  exif?: Buffer;
  xmp?: Buffer;
  icc?: Buffer;
  /** The file has a profile that its reader refused. */
  refusedProfile: boolean;
  orientation?: number;
  /** In words, what no result carries. */
  notCarried: string[];
}

/** What the decoder reports of a file's metadata. */
export type Header = Pick<FoundMetadata, 'exif' | 'xmp' | 'icc' | 'orientation'> & { iptc?: Buffer; gainMap?: object };

/** The decoder's findings, and what it does not look for. */
export function findMetadata(bytes: Buffer, format: SourceFormat, header: Header): FoundMetadata {
  const { xmp, icc, orientation, iptc, gainMap } = header;
  const { exif, left } = format === 'tiff' ? exifOfTiff(bytes) : { exif: header.exif, left: [] };
  const unknown = format === 'jpeg' ? uncarriedByJpeg(bytes) : format === 'png' ? uncarriedByPng(bytes) : left;
  const notCarried = new Set([...unknown, ...(iptc ? ['IPTC'] : []), ...(gainMap ? ['gain map (HDR)'] : [])]);
  const refusedProfile = format === 'png' && !icc && hasProfileChunk(bytes);
  return { exif, xmp, icc, refusedProfile, orientation, notCarried: [...notCarried] };
}
