import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { constants, crc32, deflateRawSync } from 'node:zlib';
import sharp, { type JpegOptions } from 'sharp';
import { exifBlock } from './exif-blocks.ts';

/** Raw samples as sharp takes them. */
export interface Raw {
  data: Buffer;
  width: number;
  height: number;
  channels: 1 | 2 | 3 | 4;
}

/** A repeatable picture with slopes, edges and some texture: what a codec meets in a photograph. */
export function drawRaw(width: number, height: number, channels: Raw['channels'] = 3, seed = 1): Raw {
  const data = Buffer.alloc(width * height * channels);
  let noise = seed >>> 0 || 1;
  for (let at = 0, y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      for (let channel = 0; channel < channels; channel++, at++) {
        noise = (Math.imul(noise, 1_664_525) + 1_013_904_223) >>> 0;
        const slope = (160 * (x + y * (channel + 1))) / (width + height * channels);
        const edge = (x * 7 + y * 3) % 97 < 40 ? 40 : 0;
        data[at] = Math.round(slope + edge + (noise >>> 27));
      }
    }
  }
  return { data, width, height, channels };
}

/** Random samples of 16 bit, every value of them likely. */
export function noise16(samples: number, seed = 1): Uint16Array {
  let state = seed >>> 0 || 1;
  return Uint16Array.from({ length: samples }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state >>> 16;
  });
}

export function fromRaw({ data, width, height, channels }: Raw) {
  return sharp(data, { raw: { width, height, channels }, limitInputPixels: false });
}

export function photoJpeg(width = 320, height = 240, options: JpegOptions = {}): Promise<Buffer> {
  return fromRaw(drawRaw(width, height))
    .jpeg({ quality: 90, ...options })
    .toBuffer();
}

/** The first `share` of a file. */
export function cut(bytes: Buffer, share: number): Buffer {
  return bytes.subarray(0, Math.floor(bytes.length * share));
}

/** A JPEG with a segment put behind its start marker. */
export function withSegment(jpeg: Buffer, marker: number, ...parts: (Buffer | string)[]): Buffer {
  const payload = Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part, 'latin1') : part)));
  const head = Buffer.from([0xff, marker, (payload.length + 2) >> 8, (payload.length + 2) & 255]);
  return Buffer.concat([jpeg.subarray(0, 2), head, payload, jpeg.subarray(2)]);
}

export function withExif(jpeg: Buffer, exif: Buffer): Buffer {
  return withSegment(jpeg, 0xe1, 'Exif\0\0', exif);
}

export function withXmp(jpeg: Buffer, xmp: string): Buffer {
  return withSegment(jpeg, 0xe1, 'http://ns.adobe.com/xap/1.0/\0', Buffer.from(xmp));
}

export function withProfile(jpeg: Buffer, icc: Buffer): Buffer {
  return withSegment(jpeg, 0xe2, 'ICC_PROFILE\0\x01\x01', icc);
}

/** Apple's Display P3 as sharp carries it. */
export async function displayP3(): Promise<Buffer> {
  const { icc } = await sharp(await fromRaw(drawRaw(8, 8)).withIccProfile('p3').png().toBuffer()).metadata();
  if (!icc) throw new Error('sharp wrote no profile');
  return icc;
}

export function pngChunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const framed = Buffer.alloc(body.length + 8);
  framed.writeUInt32BE(data.length, 0);
  body.copy(framed, 4);
  framed.writeUInt32BE(crc32(body), body.length + 4);
  return framed;
}

/** A PNG with a chunk put behind its header. */
export function withChunk(png: Buffer, type: string, data: Buffer): Buffer {
  return Buffer.concat([png.subarray(0, 33), pngChunk(type, data), png.subarray(33)]);
}

/** A valid PNG of black 1-bit pixels: 2,500 megapixels in some 300 KB. */
export function bombPng(side = 50_000): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(side, 0);
  header.writeUInt32BE(side, 4);
  header.writeUInt8(1, 8);
  const length = side * (1 + Math.ceil(side / 8));
  const block = 1 << 20;
  const zeros = Buffer.alloc(block);
  const deflate = (bytes: Buffer) => deflateRawSync(bytes, { finishFlush: constants.Z_FULL_FLUSH });
  const full = deflate(zeros);
  const sum = Buffer.alloc(4);
  // Adler-32 of zeros alone.
  sum.writeUInt32BE((((length % 65_521) << 16) >>> 0) | 1, 0);
  const stream = [
    Buffer.from([0x78, 0x9c]),
    ...new Array<Buffer>(Math.floor(length / block)).fill(full),
    deflate(zeros.subarray(0, length % block)),
    Buffer.from([0x03, 0x00]),
    sum,
  ];
  return Buffer.concat([
    Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'),
    pngChunk('IHDR', header),
    pngChunk('IDAT', Buffer.concat(stream)),
    pngChunk('IEND', Buffer.alloc(0)),
  ]);
}

const ftyp = (major: string, ...others: string[]) => {
  const brands = [major, '\0\0\0\0', ...others].join('');
  return Buffer.concat([
    Buffer.from([0, 0, 0, 8 + brands.length]),
    Buffer.from(`ftyp${brands}`, 'latin1'),
    Buffer.alloc(64),
  ]);
};

/** The first bytes of formats that are refused. */
export const refused: Record<string, Buffer> = {
  'photo.heic': ftyp('heic', 'mif1', 'heic'),
  'photo.cr3': ftyp('crx ', 'isom'),
  'clip.mp4': ftyp('isom', 'mp42'),
  'photo.dng': exifBlock({
    254: { type: 'long', value: 1 },
    50706: { type: 'undefined', value: Buffer.from([1, 4, 0, 0]) },
  }),
  'photo.nef': exifBlock(
    { 262: { type: 'short', value: 32_803 }, 271: { type: 'ascii', value: 'NIKON CORPORATION' } },
    {},
    'MM',
  ),
  'photo.cr2': Buffer.from('II*\0\x10\0\0\0CR\x02\0', 'latin1'),
  'photo.jxl': Buffer.from('\x00\x00\x00\x0cJXL \r\n\x87\n', 'latin1'),
  'bare.jxl': Buffer.from([0xff, 0x0a, 0x40, 0x50]),
  'photo.bmp': Buffer.from('BM\x36\0\0\0\0\0', 'latin1'),
  'drawing.svg': Buffer.from('<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>'),
  'layers.psd': Buffer.from('8BPS\0\x01', 'latin1'),
  'paper.pdf': Buffer.from('%PDF-1.7\n'),
  'icon.ico': Buffer.from('\0\0\x01\0\x01\0', 'latin1'),
  'pictures.zip': Buffer.from('PK\x03\x04\x14\0', 'latin1'),
  'text.jpg': Buffer.from('This is no picture, whatever its name says.\n'),
};

/**
 * Every input that must end as a clear failure, made into a folder.
 * @returns the error code that each file must give, by name
 */
export async function writeBadPictures(folder: string): Promise<Record<string, string>> {
  await mkdir(folder, { recursive: true });
  const jpeg = await photoJpeg();
  const png = await fromRaw(drawRaw(320, 240)).png().toBuffer();
  const corrupt = { 'half.jpg': cut(jpeg, 0.5), 'half.png': cut(png, 0.5), 'header-only.jpg': jpeg.subarray(0, 20) };
  const files: [string, Buffer, string][] = [
    ['empty.jpg', Buffer.alloc(0), 'empty-file'],
    ['bomb.png', bombPng(), 'too-many-pixels'],
    ...Object.entries(refused).map(([name, bytes]): [string, Buffer, string] => [name, bytes, 'unsupported-format']),
    ...Object.entries(corrupt).map(([name, bytes]): [string, Buffer, string] => [name, bytes, 'corrupt-image']),
  ];
  for (const [name, bytes] of files) await writeFile(join(folder, name), bytes);
  return Object.fromEntries(files.map(([name, , code]) => [name, code]));
}
