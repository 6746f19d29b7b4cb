import {
  type Directory,
  type Entry,
  entryOfNumbers,
  littleEndian,
  pointers,
  readDirectory,
  readHeader,
  writeDirectory,
} from './containers/ifd.ts';

const orientationTag = 0x0112;

/** What `--metadata copyright` lets through: copyright, artist, description, and the dates with their zones. */
const rightsTags = new Set([0x8298, 0x013b, 0x010e, 0x0132]);
const rightsExifTags = new Set([0x9003, 0x9004, 0x9010, 0x9011, 0x9012, 0x9290, 0x9291, 0x9292]);

/** EXIF as its directories, values little-endian. */
export interface ExifTree {
  ifd0: Entry[];
  exif: Entry[];
  gps: Entry[];
}

/** Whether a block is EXIF at all, and whether its directories make sense throughout. */
export function checkExif(block: Buffer): 'sound' | 'irregular' | 'unreadable' {
  const header = readHeader(block);
  if (!header) return 'unreadable';
  const first = readDirectory(block, header.first, header.little);
  if (!first) return 'unreadable';
  const seen = new Set<number>();
  const queue = [header.first];
  for (let offset = queue.pop(); offset !== undefined; offset = queue.pop()) {
    if (seen.has(offset)) return 'irregular';
    seen.add(offset);
    const directory = readDirectory(block, offset, header.little);
    if (!directory || directory.broken > 0) return 'irregular';
    if (directory.next) queue.push(directory.next);
    for (const tag of [pointers.exif, pointers.gps, pointers.interoperability]) {
      const target = pointerOf(directory, tag, header.little);
      if (target) queue.push(target);
    }
  }
  return 'sound';
}

/**
 * A copy whose orientation is 1 and whose every other byte is the same.
 * The thumbnail's own orientation stays: its pixels are not turned.
 * @returns undefined where there is no EXIF to read
 */
export function withUprightOrientation(block: Buffer): { block: Buffer; found: boolean } | undefined {
  const header = readHeader(block);
  const first = header && readDirectory(block, header.first, header.little);
  if (!header || !first) return undefined;
  const copy = Buffer.from(block);
  let found = false;
  for (const entry of first.entries.filter(({ tag, count }) => tag === orientationTag && count > 0)) {
    found = true;
    const width = entry.value.length / entry.count;
    if (width === 1) copy.writeUInt8(1, entry.at);
    if (width === 2) header.little ? copy.writeUInt16LE(1, entry.at) : copy.writeUInt16BE(1, entry.at);
    if (width === 4) header.little ? copy.writeUInt32LE(1, entry.at) : copy.writeUInt32BE(1, entry.at);
  }
  return { block: copy, found };
}

/** The directories of an EXIF block, or of a TIFF file. Undefined where there are none. */
export function readExif(block: Buffer): ExifTree | undefined {
  const header = readHeader(block);
  const first = header && readDirectory(block, header.first, header.little);
  if (!header || !first) return undefined;
  const below = (tag: number) => {
    const target = pointerOf(first, tag, header.little);
    const directory = target ? readDirectory(block, target, header.little) : undefined;
    return (directory?.entries ?? []).map((entry) => littleEndian(entry, header.little));
  };
  return {
    ifd0: first.entries.map((entry) => littleEndian(entry, header.little)),
    exif: below(pointers.exif),
    gps: below(pointers.gps),
  };
}

/** The tree with nothing but copyright, artist, description and dates; undefined where it has none of them. */
export function onlyRights(tree: ExifTree): ExifTree | undefined {
  const kept = {
    ifd0: tree.ifd0.filter(({ tag }) => rightsTags.has(tag)),
    exif: tree.exif.filter(({ tag }) => rightsExifTags.has(tag)),
    gps: [],
  };
  return kept.ifd0.length + kept.exif.length > 0 ? kept : undefined;
}

/** A little-endian EXIF block that starts at its TIFF header. */
export function writeExif(tree: ExifTree): Buffer {
  const header = Buffer.from('II*\0\x08\0\0\0', 'latin1');
  return Buffer.concat([header, writeTree(tree, 8, 0)]);
}

/**
 * The first directory with the EXIF and GPS directories behind it.
 * @param offset where it will lie in its block
 * @param next offset of the directory after it
 */
export function writeTree(tree: ExifTree, offset: number, next: number): Buffer {
  const ifd0 = tree.ifd0.filter(({ tag }) => tag !== pointers.exif && tag !== pointers.gps);
  if (tree.exif.length > 0) ifd0.push(entryOfNumbers(pointers.exif, [0]));
  if (tree.gps.length > 0) ifd0.push(entryOfNumbers(pointers.gps, [0]));
  // The pointers' values do not change the lengths, so the places are known from a first writing.
  const exifAt = offset + writeDirectory(ifd0, offset, next).length;
  const exif = tree.exif.length > 0 ? writeDirectory(tree.exif, exifAt, 0) : Buffer.alloc(0);
  const gpsAt = exifAt + exif.length;
  const gps = tree.gps.length > 0 ? writeDirectory(tree.gps, gpsAt, 0) : Buffer.alloc(0);
  const pointed = ifd0.map((entry) => {
    if (entry.tag === pointers.exif) return entryOfNumbers(entry.tag, [exifAt]);
    return entry.tag === pointers.gps ? entryOfNumbers(entry.tag, [gpsAt]) : entry;
  });
  return Buffer.concat([writeDirectory(pointed, offset, next), exif, gps]);
}

function pointerOf(directory: Directory, tag: number, little: boolean): number | undefined {
  const entry = directory.entries.find((candidate) => candidate.tag === tag && candidate.count === 1);
  if (entry?.value.length !== 4) return undefined;
  return little ? entry.value.readUInt32LE(0) : entry.value.readUInt32BE(0);
}
