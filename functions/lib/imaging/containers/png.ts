import { crc32, deflateSync } from 'node:zlib';
import type { Packets } from './packets.ts';

const xmpKeyword = 'XML:com.adobe.xmp';

export interface Chunk {
  type: string;
  data: Buffer;
}

/** The chunks before the first pixels; ends early where the file does. */
export function readChunks(bytes: Buffer): Chunk[] {
  const chunks: Chunk[] = [];
  let at = 8;
  while (at + 12 <= bytes.length) {
    const length = bytes.readUInt32BE(at);
    const type = bytes.toString('latin1', at + 4, at + 8);
    if (type === 'IDAT' || type === 'IEND' || at + 12 + length > bytes.length) break;
    chunks.push({ type, data: bytes.subarray(at + 8, at + 8 + length) });
    at += 12 + length;
  }
  return chunks;
}

/** Frames of an animated PNG, whose first picture is the one that is read; 1 for any other. */
export function framesOfPng(bytes: Buffer): number {
  const control = readChunks(bytes).find(({ type }) => type === 'acTL');
  return control && control.data.length >= 4 ? Math.max(1, control.data.readUInt32BE(0)) : 1;
}

export function hasProfileChunk(bytes: Buffer): boolean {
  return readChunks(bytes).some(({ type }) => type === 'iCCP');
}

/** What a PNG carries that no result does, in words. */
export function uncarriedByPng(bytes: Buffer): string[] {
  const chunks = readChunks(bytes);
  const found = new Set<string>();
  for (const { type, data } of chunks) {
    const isXmp = type === 'iTXt' && data.toString('latin1', 0, xmpKeyword.length) === xmpKeyword;
    if (['tEXt', 'zTXt', 'iTXt'].includes(type) && !isXmp) found.add('PNG text');
    if (type === 'caBX') found.add('C2PA manifest');
    if (type === 'cICP') found.add('colour coding (cICP)');
  }
  const managed = chunks.some(({ type }) => ['iCCP', 'sRGB', 'cICP'].includes(type));
  // 45,455 is 1 / 2.2, the gamma of sRGB in PNG's unit.
  const gamma = chunks.find(({ type, data }) => type === 'gAMA' && data.length === 4)?.data.readUInt32BE(0);
  if (!managed && gamma !== undefined && gamma !== 45_455) found.add(`gamma (${gamma / 100_000})`);
  return [...found];
}

/** @returns the file with the packets behind its header, before any pixels */
export function intoPng(bytes: Buffer, { exif, xmp, icc }: Packets): Buffer {
  const behindHeader = 8 + 12 + bytes.readUInt32BE(8);
  const inserted: Buffer[] = [];
  if (icc) inserted.push(chunk('iCCP', Buffer.from('icc\0\0', 'latin1'), deflateSync(icc)));
  if (exif) inserted.push(chunk('eXIf', exif));
  // Behind the keyword: not compressed, no language, no translated keyword.
  if (xmp) inserted.push(chunk('iTXt', Buffer.from(`${xmpKeyword}\0\0\0\0\0`, 'latin1'), xmp));
  return Buffer.concat([bytes.subarray(0, behindHeader), ...inserted, bytes.subarray(behindHeader)]);
}

function chunk(type: string, ...parts: Buffer[]): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), ...parts]);
  const framed = Buffer.alloc(body.length + 8);
  framed.writeUInt32BE(body.length - 4, 0);
  body.copy(framed, 4);
  framed.writeUInt32BE(crc32(body), body.length + 4);
  return framed;
}
