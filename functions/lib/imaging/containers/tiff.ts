import type { ExifTree } from '../exif.ts';
import { readExif, writeExif, writeTree } from '../exif.ts';
import { type Entry, entryOfBytes, numbersOf, pointers, readDirectory, readHeader } from './ifd.ts';
import type { Packets } from './packets.ts';

const tags = {
  subfile: 0xfe,
  photometric: 0x106,
  make: 0x10f,
  xmp: 0x2bc,
  icc: 0x8773,
  makerNote: 0x927c,
  dngVersion: 0xc612,
} as const;

/** Tags of the first directory that say something about the photograph, not about how its pixels are stored. */
const descriptive = new Set([
  0x10d, 0x10e, 0x10f, 0x110, 0x131, 0x132, 0x13b, 0x13c, 0x8298, 0x4746, 0x4749, 0x9c9b, 0x9c9c, 0x9c9d, 0x9c9e,
  0x9c9f,
]);

/** Photometric interpretations of a sensor's mosaic and of linear raw. */
const rawPhotometrics = new Set([32_803, 34_892]);

/** The camera raw format that hides behind a TIFF header; undefined for a plain TIFF. */
export function isCameraRaw(bytes: Buffer): string | undefined {
  const header = readHeader(bytes);
  const first = header && readDirectory(bytes, header.first, header.little);
  if (!header || !first) return undefined;
  const find = (entries: Entry[], tag: number) => entries.find((entry) => entry.tag === tag);
  if (find(first.entries, tags.dngVersion)) return 'DNG';
  const below = find(first.entries, pointers.subIfds);
  const offsets = below ? numbersOf(below, header.little) : [];
  const directories = [first, ...offsets.map((offset) => readDirectory(bytes, offset, header.little))];
  const raw = directories.some((directory) => {
    const photometric = directory && find(directory.entries, tags.photometric);
    return photometric && numbersOf(photometric, header.little).some((value) => rawPhotometrics.has(value));
  });
  if (!raw) return undefined;
  const make = find(first.entries, tags.make)?.value.toString('latin1').replace(/\0.*$/s, '').trim();
  return make ? `camera raw (${make})` : 'camera raw';
}

/**
 * EXIF of a TIFF file, whose directories are the file's own; undefined where there is nothing to keep.
 * @returns also, in words, what of it cannot be taken along
 */
export function exifOfTiff(bytes: Buffer): { exif?: Buffer; left: string[] } {
  const tree = readExif(bytes);
  if (!tree) return { left: ['EXIF of a BigTIFF'] };
  const kept = photographOf(tree);
  const anything = kept.ifd0.length + kept.exif.length + kept.gps.length > 0;
  return { exif: anything ? writeExif(kept) : undefined, left: leftOf(tree) };
}

/**
 * The file with a new first directory at its end, which has the old one's entries, the packets, and EXIF's directories
 * but for what only makes sense at its old place.
 */
export function intoTiff(bytes: Buffer, { exif, xmp, icc }: Packets): { bytes: Buffer; left: string[] } {
  const header = readHeader(bytes);
  const first = header && readDirectory(bytes, header.first, header.little);
  if (!header?.little || !first) throw new Error('Expected a little-endian TIFF to write metadata into.');
  const source = (exif && readExif(exif)) ?? { ifd0: [], exif: [], gps: [] };
  const photograph = photographOf(source);
  const added = new Map<number, Entry>();
  for (const entry of photograph.ifd0) added.set(entry.tag, entry);
  if (xmp) added.set(tags.xmp, entryOfBytes(tags.xmp, 1, xmp));
  if (icc) added.set(tags.icc, entryOfBytes(tags.icc, 7, icc));
  const ifd0 = [...first.entries.filter(({ tag }) => !added.has(tag)), ...added.values()];
  const padded = bytes.length % 2 ? Buffer.concat([bytes, Buffer.alloc(1)]) : bytes;
  const directory = writeTree({ ...photograph, ifd0 }, padded.length, first.next);
  const whole = Buffer.concat([padded, directory]);
  whole.writeUInt32LE(padded.length, 4);
  return { bytes: whole, left: leftOf(source) };
}

/** What a tree says about the photograph: not how pixels are stored, and not the maker's note, which has places in it. */
function photographOf(tree: ExifTree): ExifTree {
  return {
    ifd0: tree.ifd0.filter(({ tag }) => descriptive.has(tag)),
    exif: tree.exif.filter(({ tag }) => tag !== tags.makerNote && tag !== pointers.interoperability),
    gps: tree.gps,
  };
}

function leftOf(tree: ExifTree): string[] {
  return tree.exif.some(({ tag }) => tag === tags.makerNote) ? ["the camera maker's notes"] : [];
}
