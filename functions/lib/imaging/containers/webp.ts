import type { Packets } from './packets.ts';

/** Flags of the extended header. */
const flags = { icc: 0x20, exif: 0x08, xmp: 0x04 } as const;

interface Chunk {
  type: string;
  data: Buffer;
}

function readChunks(bytes: Buffer): Chunk[] {
  const chunks: Chunk[] = [];
  let at = 12;
  while (at + 8 <= bytes.length) {
    const length = bytes.readUInt32LE(at + 4);
    chunks.push({ type: bytes.toString('latin1', at, at + 4), data: bytes.subarray(at + 8, at + 8 + length) });
    at += 8 + length + (length % 2);
  }
  return chunks;
}

/**
 * @param size of the canvas in pixels, for the extended header that metadata needs
 * @returns the file in the extended layout: profile before the pixels, EXIF and XMP behind them
 */
export function intoWebp(bytes: Buffer, { exif, xmp, icc }: Packets, size: { width: number; height: number }): Buffer {
  const chunks = readChunks(bytes);
  const extended = Buffer.from(chunks.find(({ type }) => type === 'VP8X')?.data ?? newHeader(size, chunks));
  const present = (icc ? flags.icc : 0) | (exif ? flags.exif : 0) | (xmp ? flags.xmp : 0);
  extended.writeUInt8(extended.readUInt8(0) | present, 0);
  const body = [
    chunk('VP8X', extended),
    ...(icc ? [chunk('ICCP', icc)] : []),
    ...chunks.filter(({ type }) => type !== 'VP8X').map(({ type, data }) => chunk(type, data)),
    ...(exif ? [chunk('EXIF', exif)] : []),
    ...(xmp ? [chunk('XMP ', xmp)] : []),
  ];
  const head = Buffer.from('RIFF\0\0\0\0WEBP', 'latin1');
  head.writeUInt32LE(4 + body.reduce((sum, part) => sum + part.length, 0), 4);
  return Buffer.concat([head, ...body]);
}

function newHeader({ width, height }: { width: number; height: number }, chunks: Chunk[]): Buffer {
  const header = Buffer.alloc(10);
  const lossless = chunks.find(({ type }) => type === 'VP8L')?.data;
  // Bit 28 behind the signature byte says that a lossless picture uses its alpha.
  const alpha = lossless !== undefined && lossless.length >= 5 && (lossless.readUInt8(4) & 0x10) !== 0;
  header.writeUInt8(alpha ? 0x10 : 0, 0);
  header.writeUIntLE(width - 1, 4, 3);
  header.writeUIntLE(height - 1, 7, 3);
  return header;
}

function chunk(type: string, data: Buffer): Buffer {
  const framed = Buffer.alloc(8 + data.length + (data.length % 2));
  framed.write(type, 0, 'latin1');
  framed.writeUInt32LE(data.length, 4);
  data.copy(framed, 8);
  return framed;
}
