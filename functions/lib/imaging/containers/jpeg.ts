import type { Packets } from './packets.ts';

const exifName = Buffer.from('Exif\0\0', 'latin1');
const xmpName = Buffer.from('http://ns.adobe.com/xap/1.0/\0', 'latin1');
const xmpExtensionName = 'http://ns.adobe.com/xmp/extension/\0';
const iccName = Buffer.from('ICC_PROFILE\0', 'latin1');

/** A segment's length field counts itself and is 16 bits wide. */
const longestPayload = 65_533;

export interface Segment {
  marker: number;
  /** Of the marker's 0xFF. */
  at: number;
  payload: Buffer;
}

/**
 * The segments from the start up to and with the first scan's header; ends early where the file does. Stray bytes between
 * segments are skipped, as decoders do.
 */
export function readSegments(bytes: Buffer, from = 2): Segment[] {
  const segments: Segment[] = [];
  let at = bytes.indexOf(0xff, from);
  while (at >= 0 && at + 4 <= bytes.length) {
    const marker = bytes.readUInt8(at + 1);
    if (marker === 0xd9) break;
    if (marker === 0 || marker === 0xff) {
      at = bytes.indexOf(0xff, at + 1);
      continue;
    }
    const end = at + 2 + bytes.readUInt16BE(at + 2);
    if (end < at + 4 || end > bytes.length) break;
    segments.push({ marker, at, payload: bytes.subarray(at + 4, end) });
    if (marker === 0xda) break;
    at = bytes.indexOf(0xff, end);
  }
  return segments;
}

/** What a JPEG carries that no result does, in words. */
export function uncarriedByJpeg(bytes: Buffer): string[] {
  const found = new Set<string>();
  for (const { marker, payload } of readSegments(bytes)) {
    const starts = (text: string) => payload.toString('latin1', 0, text.length) === text;
    if (marker === 0xe1 && starts(xmpExtensionName)) found.add('extended XMP');
    if (marker === 0xed && starts('Photoshop 3.0\0')) found.add('IPTC');
    if (marker === 0xe2 && starts('MPF\0')) found.add('further pictures behind the first');
    if (marker === 0xeb && payload.includes('c2pa', 0, 'latin1')) found.add('C2PA manifest');
  }
  return [...found];
}

/** Why the decoder does not read this kind of JPEG, or undefined where it does. */
export function unreadableCoding(bytes: Buffer): string | undefined {
  const frame = readSegments(bytes).find(({ marker }) => isFrame(marker));
  if (!frame) return undefined;
  if (frame.payload[0] !== 8) return `${frame.payload[0]}-bit JPEG`;
  if ([0xc3, 0xc7, 0xcb, 0xcf].includes(frame.marker)) return 'lossless JPEG';
  return [0xc5, 0xc6, 0xcd, 0xce].includes(frame.marker) ? 'hierarchical JPEG' : undefined;
}

/** Start-of-frame markers; the three left out share their range but are tables. */
export function isFrame(marker: number): boolean {
  return marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);
}

/** @returns the file with the packets behind its JFIF header, and the names of those that are too long for it */
export function intoJpeg(bytes: Buffer, { exif, xmp, icc }: Packets): { bytes: Buffer; left: string[] } {
  const left: string[] = [];
  const inserted: Buffer[] = [];
  if (exif) {
    if (exifName.length + exif.length > longestPayload) left.push('EXIF of more than 64 KB');
    else inserted.push(segment(0xe1, exifName, exif));
  }
  if (xmp) {
    if (xmpName.length + xmp.length > longestPayload) left.push('XMP of more than 64 KB');
    else inserted.push(segment(0xe1, xmpName, xmp));
  }
  if (icc) inserted.push(...iccSegments(icc));
  const first = readSegments(bytes)[0];
  const behind = first?.marker === 0xe0 ? first.at + 4 + first.payload.length : 2;
  return { bytes: Buffer.concat([bytes.subarray(0, behind), ...inserted, bytes.subarray(behind)]), left };
}

/** A profile is cut into as many segments as it needs, 255 at most, which is 16 MB. */
function iccSegments(icc: Buffer): Buffer[] {
  const room = longestPayload - iccName.length - 2;
  const count = Math.ceil(icc.length / room);
  if (count > 255) throw new Error(`The colour profile of ${icc.length} bytes is too long for JPEG.`);
  return Array.from({ length: count }, (_, index) =>
    segment(0xe2, iccName, Buffer.from([index + 1, count]), icc.subarray(index * room, (index + 1) * room)),
  );
}

function segment(marker: number, ...parts: Buffer[]): Buffer {
  const head = Buffer.from([0xff, marker, 0, 0]);
  head.writeUInt16BE(2 + parts.reduce((sum, part) => sum + part.length, 0), 2);
  return Buffer.concat([head, ...parts]);
}
