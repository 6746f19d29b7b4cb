/**
 * Image file directories: the structure that TIFF files and EXIF blocks share.
 * @see TIFF 6.0, section 2; EXIF 3.0 (CIPA DC-008), section 4.6
 */

/** Bytes of one value by its type: BYTE, ASCII, SHORT, LONG, RATIONAL, and their signed and floating kin. */
const sizes: Record<number, number> = {
  1: 1,
  2: 1,
  3: 2,
  4: 4,
  5: 8,
  6: 1,
  7: 1,
  8: 2,
  9: 4,
  10: 8,
  11: 4,
  12: 8,
  13: 4,
};
/** Width of what is swapped between byte orders: a rational is two longs. */
const words: Record<number, number> = { ...sizes, 5: 4, 10: 4 };

export interface Entry {
  tag: number;
  type: number;
  count: number;
  /** In the byte order of its directory. */
  value: Buffer;
  /** Where the value lies in the block it was read from. */
  at: number;
}

export interface Directory {
  entries: Entry[];
  /** Offset of the next one, 0 for none. */
  next: number;
  /** Entries whose type or place makes no sense; they are left out. */
  broken: number;
}

export const pointers = { exif: 0x8769, gps: 0x8825, interoperability: 0xa005, subIfds: 0x014a } as const;

/** Byte order and first directory of a TIFF header. Undefined where it is none (BigTIFF included). */
export function readHeader(block: Buffer): { little: boolean; first: number } | undefined {
  if (block.length < 8) return undefined;
  const order = block.toString('latin1', 0, 2);
  if (order !== 'II' && order !== 'MM') return undefined;
  const little = order === 'II';
  if (read16(block, 2, little) !== 42) return undefined;
  return { little, first: read32(block, 4, little) };
}

/** One directory; undefined where it does not lie inside the block. Never follows a pointer, so it cannot loop. */
export function readDirectory(block: Buffer, offset: number, little: boolean): Directory | undefined {
  if (offset < 8 || offset + 2 > block.length) return undefined;
  const stated = read16(block, offset, little);
  const count = Math.min(stated, Math.floor((block.length - offset - 2) / 12));
  const entries: Entry[] = [];
  let broken = stated - count;
  for (let index = 0; index < count; index++) {
    const entry = readEntry(block, offset + 2 + index * 12, little);
    if (entry) entries.push(entry);
    else broken++;
  }
  const end = offset + 2 + count * 12;
  return { entries, broken, next: end + 4 <= block.length ? read32(block, end, little) : 0 };
}

function readEntry(block: Buffer, offset: number, little: boolean): Entry | undefined {
  const type = read16(block, offset + 2, little);
  const count = read32(block, offset + 4, little);
  const length = (sizes[type] ?? 0) * count;
  if (!sizes[type] || length > block.length) return undefined;
  const at = length <= 4 ? offset + 8 : read32(block, offset + 8, little);
  if (at + length > block.length) return undefined;
  return { tag: read16(block, offset, little), type, count, value: block.subarray(at, at + length), at };
}

/** An entry's first whole numbers; empty for text, rationals and the rest. */
export function numbersOf(entry: Entry, little: boolean, most = 16): number[] {
  const width = { 1: 1, 3: 2, 4: 4, 13: 4 }[entry.type];
  if (!width) return [];
  return Array.from({ length: Math.min(entry.count, most) }, (_, index) => {
    if (width === 1) return entry.value[index] ?? 0;
    return width === 2 ? read16(entry.value, index * 2, little) : read32(entry.value, index * 4, little);
  });
}

/** The entry with its value in little-endian order. */
export function littleEndian(entry: Entry, little: boolean): Entry {
  const word = words[entry.type] ?? 1;
  if (little || word === 1) return entry;
  const value = Buffer.from(entry.value);
  if (word === 2) value.swap16();
  if (word === 4) value.swap32();
  if (word === 8) value.swap64();
  return { ...entry, value };
}

export function entryOfNumbers(tag: number, values: number[]): Entry {
  const value = Buffer.alloc(values.length * 4);
  for (const [index, number] of values.entries()) value.writeUInt32LE(number, index * 4);
  return { tag, type: 4, count: values.length, value, at: 0 };
}

export function entryOfBytes(tag: number, type: 1 | 7, value: Buffer): Entry {
  return { tag, type, count: value.length, value, at: 0 };
}

/**
 * A directory and the values it points to, little-endian.
 * @param offset where it will lie in its block; even, as TIFF asks
 */
export function writeDirectory(entries: Entry[], offset: number, next: number): Buffer {
  const sorted = [...entries].sort((a, b) => a.tag - b.tag);
  const table = Buffer.alloc(2 + sorted.length * 12 + 4);
  const values: Buffer[] = [];
  let end = offset + table.length;
  table.writeUInt16LE(sorted.length, 0);
  for (const [index, entry] of sorted.entries()) {
    const at = 2 + index * 12;
    table.writeUInt16LE(entry.tag, at);
    table.writeUInt16LE(entry.type, at + 2);
    table.writeUInt32LE(entry.count, at + 4);
    if (entry.value.length <= 4) entry.value.copy(table, at + 8);
    else {
      table.writeUInt32LE(end, at + 8);
      const padded = entry.value.length % 2 ? Buffer.concat([entry.value, Buffer.alloc(1)]) : entry.value;
      values.push(padded);
      end += padded.length;
    }
  }
  table.writeUInt32LE(next, table.length - 4);
  return Buffer.concat([table, ...values]);
}

function read16(block: Buffer, at: number, little: boolean): number {
  return little ? block.readUInt16LE(at) : block.readUInt16BE(at);
}

function read32(block: Buffer, at: number, little: boolean): number {
  return little ? block.readUInt32LE(at) : block.readUInt32BE(at);
}
