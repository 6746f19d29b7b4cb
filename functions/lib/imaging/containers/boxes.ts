/**
 * Boxes of the ISO base media file format, which AVIF is made of.
 * @see ISO/IEC 14496-12, section 4.2
 */
export interface Box {
  type: string;
  /** Behind the header. */
  body: Buffer;
  /** Header included, as it stands in the file. */
  whole: Buffer;
}

/** Boxes side by side; ends early where one does not fit. */
export function readBoxes(bytes: Buffer): Box[] {
  const boxes: Box[] = [];
  let at = 0;
  while (at + 8 <= bytes.length) {
    const short = bytes.readUInt32BE(at);
    // A length of 1 says that the real one follows in 64 bits, 0 that the box reaches to the end.
    const head = short === 1 ? 16 : 8;
    if (at + head > bytes.length) break;
    const length = short === 1 ? Number(bytes.readBigUInt64BE(at + 8)) : short || bytes.length - at;
    if (length < head || at + length > bytes.length) break;
    const whole = bytes.subarray(at, at + length);
    boxes.push({ type: bytes.toString('latin1', at + 4, at + 8), body: whole.subarray(head), whole });
    at += length;
  }
  return boxes;
}

export function box(type: string, ...parts: Buffer[]): Buffer {
  const head = Buffer.alloc(8);
  head.writeUInt32BE(8 + parts.reduce((sum, part) => sum + part.length, 0), 0);
  head.write(type, 4, 'latin1');
  return Buffer.concat([head, ...parts]);
}

/** A box with a version and flags. */
export function fullBox(type: string, version: number, ...parts: Buffer[]): Buffer {
  return box(type, Buffer.from([version, 0, 0, 0]), ...parts);
}

export function uint16(...values: number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 2);
  for (const [index, value] of values.entries()) bytes.writeUInt16BE(value, index * 2);
  return bytes;
}

export function uint32(...values: number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 4);
  for (const [index, value] of values.entries()) bytes.writeUInt32BE(value, index * 4);
  return bytes;
}
