import { isCameraRaw } from './containers/tiff.ts';
import type { SourceFormat } from './formats.ts';

/** What a file is by its content; for a format that is not read also what to do with it. */
export type Identity = { format: SourceFormat } | { unsupported: string; advice: string };

interface Magic {
  at: number;
  /** latin1 */
  bytes: string;
  name: string;
  advice: string;
}

const toJpegOrPng = 'Convert it to JPEG or PNG first.';
const toTiff = 'Develop it to a 16-bit TIFF or to JPEG first.';
const notPicture = 'Give a picture: JPEG, PNG, WebP, AVIF, TIFF or GIF.';

/** First bytes of what people take for pictures, and of what lies beside pictures. */
const magics: Magic[] = [
  { at: 0, bytes: '\x00\x00\x00\x0cJXL ', name: 'JPEG XL', advice: toJpegOrPng },
  { at: 0, bytes: '\xff\x0a', name: 'JPEG XL', advice: toJpegOrPng },
  { at: 0, bytes: '\x00\x00\x00\x0cjP  ', name: 'JPEG 2000', advice: toJpegOrPng },
  { at: 0, bytes: '\xff\x4f\xff\x51', name: 'JPEG 2000', advice: toJpegOrPng },
  { at: 0, bytes: '8BPS', name: 'Photoshop (PSD)', advice: 'Export it as TIFF or PNG first.' },
  { at: 0, bytes: 'IIRO', name: 'Olympus raw (ORF)', advice: toTiff },
  { at: 0, bytes: 'IIRS', name: 'Olympus raw (ORF)', advice: toTiff },
  { at: 0, bytes: 'MMOR', name: 'Olympus raw (ORF)', advice: toTiff },
  { at: 0, bytes: 'IIU\x00', name: 'Panasonic raw (RW2)', advice: toTiff },
  { at: 0, bytes: 'FUJIFILMCCD-RAW', name: 'Fujifilm raw (RAF)', advice: toTiff },
  { at: 0, bytes: 'FOVb', name: 'Sigma raw (X3F)', advice: toTiff },
  { at: 0, bytes: '\x00MRM', name: 'Minolta raw (MRW)', advice: toTiff },
  { at: 0, bytes: 'v/1\x01', name: 'OpenEXR', advice: 'Convert it to a 16-bit TIFF first.' },
  { at: 0, bytes: '#?RADIANCE', name: 'Radiance HDR', advice: 'Convert it to a 16-bit TIFF first.' },
  { at: 0, bytes: 'BM', name: 'BMP', advice: 'Convert it to PNG first.' },
  { at: 0, bytes: '\x00\x00\x01\x00', name: 'ICO', advice: 'Extract one icon as PNG first.' },
  { at: 0, bytes: '\x00\x00\x02\x00', name: 'CUR', advice: 'Extract one cursor as PNG first.' },
  { at: 0, bytes: 'DDS ', name: 'DDS', advice: 'Convert it to PNG first.' },
  { at: 0, bytes: 'qoif', name: 'QOI', advice: 'Convert it to PNG first.' },
  { at: 0, bytes: 'AT&TFORM', name: 'DjVu', advice: 'Export its page as TIFF or PNG first.' },
  { at: 0, bytes: '%PDF', name: 'PDF', advice: 'Export its page as TIFF or PNG first.' },
  { at: 0, bytes: '%!PS', name: 'PostScript', advice: 'Export its page as TIFF or PNG first.' },
  { at: 0, bytes: 'PK\x03\x04', name: 'ZIP archive', advice: 'Unpack it and give the pictures inside.' },
  { at: 0, bytes: '\x1f\x8b', name: 'gzip archive', advice: 'Unpack it and give the pictures inside.' },
  { at: 0, bytes: 'Rar!', name: 'RAR archive', advice: 'Unpack it and give the pictures inside.' },
  { at: 0, bytes: '7z\xbc\xaf', name: '7z archive', advice: 'Unpack it and give the pictures inside.' },
  { at: 257, bytes: 'ustar', name: 'TAR archive', advice: 'Unpack it and give the pictures inside.' },
  { at: 0, bytes: '\x1aE\xdf\xa3', name: 'Matroska or WebM video', advice: notPicture },
  { at: 0, bytes: '\x00\x00\x01\xba', name: 'MPEG video', advice: notPicture },
  { at: 8, bytes: 'AVI ', name: 'AVI video', advice: notPicture },
  { at: 8, bytes: 'WAVE', name: 'WAV sound', advice: notPicture },
  { at: 0, bytes: 'ID3', name: 'MP3 sound', advice: notPicture },
  { at: 0, bytes: 'OggS', name: 'Ogg sound or video', advice: notPicture },
  { at: 0, bytes: '\x7fELF', name: 'a program', advice: notPicture },
  { at: 0, bytes: 'MZ', name: 'a program', advice: notPicture },
];

/** Says what the bytes are by their content; a file's name is never asked. */
export function identify(bytes: Buffer): Identity {
  const starts = (text: string, at = 0) => bytes.toString('latin1', at, at + text.length) === text;
  if (starts('\xff\xd8\xff')) return { format: 'jpeg' };
  if (starts('\x89PNG\r\n\x1a\n')) return { format: 'png' };
  if (starts('RIFF') && starts('WEBP', 8)) return { format: 'webp' };
  if (starts('GIF87a') || starts('GIF89a')) return { format: 'gif' };
  if (starts('ftyp', 4)) return identifyIsoMedia(bytes);
  if (starts('II*\0') || starts('MM\0*') || starts('II+\0') || starts('MM\0+')) return identifyTiff(bytes);
  const magic = magics.find((candidate) => starts(candidate.bytes, candidate.at));
  if (magic) return { unsupported: magic.name, advice: magic.advice };
  return identifyText(bytes);
}

/** HEIF, AVIF and video share one container; its brands tell them apart. */
function identifyIsoMedia(bytes: Buffer): Identity {
  const end = Math.min(bytes.readUInt32BE(0), bytes.length, 256);
  const brands: string[] = [];
  for (let at = 8; at + 4 <= end; at += 4) if (at !== 12) brands.push(bytes.toString('latin1', at, at + 4));
  const [major = ''] = brands;
  if (brands.includes('avif') || major === 'avis') return { format: 'avif' };
  if (major === 'crx ') return { unsupported: 'Canon raw (CR3)', advice: toTiff };
  if (brands.some((brand) => /^(he[ivc]|hev|mif1|msf1)/.test(brand))) {
    return { unsupported: 'HEIC', advice: toJpegOrPng };
  }
  return { unsupported: 'MP4 or QuickTime video', advice: notPicture };
}

function identifyTiff(bytes: Buffer): Identity {
  if (bytes.toString('latin1', 8, 10) === 'CR') return { unsupported: 'Canon raw (CR2)', advice: toTiff };
  const raw = isCameraRaw(bytes);
  return raw ? { unsupported: raw, advice: toTiff } : { format: 'tiff' };
}

function identifyText(bytes: Buffer): Identity {
  const head = bytes.subarray(0, 1024).toString('utf8');
  if (/^\uFEFF?\s*(<\?xml[^>]*>\s*)?(<!--[\s\S]*?-->\s*)*(<!DOCTYPE svg[^>]*>\s*)?<svg[\s>]/.test(head)) {
    return { unsupported: 'SVG', advice: 'Render it to PNG first, at the size you need.' };
  }
  // The last character may be cut in two by the 1,024 bytes, so one replacement character at the end is no sign.
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what sets binary data apart
  if (!/[\x00-\x08\x0e-\x1a\x1c-\x1f\uFFFD]/.test(head.slice(0, -1)))
    return { unsupported: 'text', advice: notPicture };
  return { unsupported: 'data of an unknown kind', advice: notPicture };
}
