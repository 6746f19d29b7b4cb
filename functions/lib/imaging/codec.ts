import sharp, { type Metadata as Header, type Sharp } from 'sharp';
import { RestorationError } from '../contracts/errors.ts';
import type { ImageFacts, Warning } from '../contracts/record.ts';
import type { MetadataPolicy } from '../contracts/settings.ts';
import { type ColourModel, colourModelOf, spaceOf } from './colour-model.ts';
import { attach } from './containers/attach.ts';
import { withAlphaOf } from './containers/avif.ts';
import { unreadableCoding } from './containers/jpeg.ts';
import { framesOfPng } from './containers/png.ts';
import { fitInto } from './depth.ts';
import { complaintOf, corruptImage } from './failure.ts';
import { identify } from './file-type.ts';
import { checkSize, type ResultFormat, type SourceFormat } from './formats.ts';
import type { DecodedImage, Image } from './image.ts';
import { salvageJpeg } from './jpeg-damage.ts';
import { applyPolicy, notCarried, readMetadata } from './metadata.ts';

/** Above this the JPEG encoder's second pass, which saves about 4 % of the bytes, would hold twice the pixels' memory. */
const twoPassPixels = 16_000_000;

/** For the composition root, once: nothing is set when this file is imported. Nothing is cached between pictures. */
export function configureCodec({ threads }: { threads: number }): void {
  sharp.cache(false);
  sharp.concurrency(threads);
}

/**
 * What a file is, by its header alone: no pixel is decoded, so that a decompression bomb does no harm.
 * @returns facts with the upright picture's width and height
 * @throws RestorationError `empty-file`, `unsupported-format`, `corrupt-image`, `too-many-pixels`
 */
export async function inspect(bytes: Buffer, limits: { maxPixels: number }): Promise<ImageFacts> {
  return (await open(bytes, limits)).facts;
}

/**
 * The upright pixels in the file's own values. CMYK and Lab alone are converted, to sRGB. Of several frames or pages the
 * first is taken.
 * @throws RestorationError as `inspect`
 */
export async function decode(bytes: Buffer, limits: { maxPixels: number }): Promise<DecodedImage> {
  const opened = await open(bytes, limits);
  const { facts, model } = opened;
  const { colour, warnings } = await readColour(bytes, opened, limits);
  // A second reading instead of one with four channels: no copy of the colour without its alpha is ever needed.
  const alpha = facts.hasAlpha ? await readPlane(bytes, 'alpha', opened, limits) : undefined;
  if (facts.pages > 1) {
    const message = `The file has ${facts.pages} frames or pages; only the first was taken.`;
    warnings.push({ code: 'first-frame-only', message });
  }
  if (model.convertedFrom) {
    const message = `Converted from ${model.convertedFrom} to sRGB; the file's own profile no longer applies.`;
    warnings.push({ code: 'colour-converted', message });
  }
  const accepted = readMetadata(bytes, opened.header, facts, model.convertedFrom !== undefined);
  return { facts, colour, alpha, metadata: accepted.metadata, warnings: [...warnings, ...accepted.warnings] };
}

/**
 * A file of the format, the same bytes for the same input. JPEG of quality 95 without chroma subsampling, WebP and AVIF
 * of quality 90 with lossless alpha, PNG and TIFF lossless. Metadata that cannot be carried is a warning, never an error.
 * @throws RestorationError `invalid-request` where the picture is too large for the format
 */
export async function encode(
  image: Pick<DecodedImage, 'colour' | 'alpha' | 'metadata'>,
  options: { format: ResultFormat; policy: MetadataPolicy; processedBy?: string; generated?: boolean },
): Promise<{ bytes: Buffer; warnings: Warning[] }> {
  const { format } = options;
  checkSize(image.colour, format);
  const { colour, alpha, warnings } = fitInto(image, format);
  const pixels = await encodePixels(colour, alpha, format);
  const target = { colourOnly: format === 'webp' || format === 'avif' };
  try {
    const policy = applyPolicy(image.metadata, options.policy, target, options);
    const attached = attach(pixels, format, policy.packets, colour);
    const left = attached.left.map((what) => notCarried(what, `${format} has no place for it`));
    return { bytes: attached.bytes, warnings: [...warnings, ...policy.warnings, ...left] };
  } catch (thrown) {
    return { bytes: pixels, warnings: [...warnings, notCarried('all metadata', complaintOf(thrown))] };
  }
}

/**
 * A small upright WebP of a picture that was decoded before, for looking at: sRGB, 8 bit, nothing enlarged, first frame.
 * @param maxSide px
 * @throws whatever sharp throws
 */
export function preview(bytes: Buffer, maxSide: number): Promise<Buffer> {
  return sharp(bytes, { failOn: 'none', limitInputPixels: false, autoOrient: true })
    .resize({ width: maxSide, height: maxSide, fit: 'inside', withoutEnlargement: true })
    .webp({ quality: 86 })
    .toBuffer();
}

interface Opened {
  facts: ImageFacts;
  header: Header;
  model: ColourModel;
}

async function open(bytes: Buffer, { maxPixels }: { maxPixels: number }): Promise<Opened> {
  if (bytes.length === 0) {
    throw new RestorationError('empty-file', 'Expected a picture, came a file of 0 bytes. Give the picture again.');
  }
  const identity = identify(bytes);
  if ('unsupported' in identity) {
    throw new RestorationError(
      'unsupported-format',
      `Expected JPEG, PNG, WebP, AVIF, TIFF or GIF, came ${identity.unsupported}. ${identity.advice}`,
    );
  }
  const { format } = identity;
  const header = await readHeader(bytes, format);
  const { width, height } = header.autoOrient;
  if (width * height > maxPixels) {
    throw new RestorationError(
      'too-many-pixels',
      `Expected at most ${maxPixels} pixels, came ${width} x ${height}. Make it smaller or raise --max-pixels.`,
    );
  }
  const model = colourModelOf(header.space, header.depth);
  const facts: ImageFacts = {
    format,
    width,
    height,
    channels: model.channels,
    bitDepth: model.bitDepth,
    hasAlpha: header.hasAlpha,
    hasProfile: header.hasProfile,
    orientation: header.orientation ?? 1,
    pages: format === 'png' ? framesOfPng(bytes) : (header.pages ?? 1),
  };
  return { facts, header, model };
}

async function readHeader(bytes: Buffer, format: SourceFormat): Promise<Header> {
  const coding = format === 'jpeg' ? unreadableCoding(bytes) : undefined;
  if (coding) {
    throw new RestorationError(
      'unsupported-format',
      `Expected 8-bit JPEG, came ${coding}. Convert it to TIFF or PNG first.`,
    );
  }
  try {
    // The limit is checked by the caller, who can say what came.
    return await sharp(bytes, { failOn: 'none', limitInputPixels: false }).metadata();
  } catch (thrown) {
    throw corruptImage(format, thrown);
  }
}

async function readColour(bytes: Buffer, opened: Opened, limits: { maxPixels: number }) {
  if (opened.facts.format !== 'jpeg') return { colour: await readPlane(bytes, 'colour', opened, limits), warnings: [] };
  try {
    return { colour: await readPlane(bytes, 'colour', opened, limits, 'warning'), warnings: [] };
  } catch (thrown) {
    const salvaged = salvageJpeg(bytes, opened.header.height, complaintOf(thrown));
    const colour = await readPlane(salvaged.bytes, 'colour', opened, limits, salvaged.tolerant ? 'none' : 'warning');
    return { colour, warnings: [salvaged.warning] };
  }
}

async function readPlane(
  bytes: Buffer,
  plane: 'colour' | 'alpha',
  { facts, model }: Opened,
  { maxPixels }: { maxPixels: number },
  failOn: 'warning' | 'error' | 'none' = 'error',
): Promise<Image> {
  const pipeline = sharp(bytes, {
    failOn,
    limitInputPixels: maxPixels,
    // A profile is only applied where the colours must be converted anyway.
    ignoreIcc: model.convertedFrom !== 'CMYK',
    autoOrient: true,
  });
  const chosen = plane === 'colour' ? pipeline.removeAlpha() : pipeline.extractChannel('alpha');
  const deep = model.bitDepth === 16;
  try {
    const { data, info } = await chosen
      .toColourspace(spaceOf(model.channels, model.bitDepth))
      .raw({ depth: deep ? 'ushort' : 'uchar' })
      .toBuffer({ resolveWithObject: true });
    const channels = plane === 'colour' ? model.channels : 1;
    if (info.channels !== channels) throw new Error(`expected ${channels} channels, came ${info.channels}`);
    const pixels = deep
      ? new Uint16Array(data.buffer, data.byteOffset, data.length / 2)
      : new Uint8Array(data.buffer, data.byteOffset, data.length);
    return { width: info.width, height: info.height, channels, pixels };
  } catch (thrown) {
    throw corruptImage(facts.format, thrown);
  }
}

async function encodePixels(colour: Image, alpha: Image | undefined, format: ResultFormat): Promise<Buffer> {
  const space = spaceOf(colour.channels, colour.pixels instanceof Uint16Array ? 16 : 8);
  const picture = () => fromRaw(colour).toColourspace(space);
  const whole = () => (alpha ? picture().joinChannel(asInput(alpha), { raw: rawOf(alpha) }) : picture());
  switch (format) {
    case 'jpeg': {
      const optimiseCoding = colour.width * colour.height <= twoPassPixels;
      return picture().jpeg({ quality: 95, chromaSubsampling: '4:4:4', optimiseCoding }).toBuffer();
    }
    case 'png':
      return whole().png({ compressionLevel: 6, adaptiveFiltering: true }).toBuffer();
    case 'webp':
      // exact: colours under full transparency stay what they are.
      return whole().webp({ quality: 90, alphaQuality: 100, exact: true }).toBuffer();
    case 'avif': {
      const encoded = await picture().avif({ quality: 90, chromaSubsampling: '4:4:4' }).toBuffer();
      return alpha ? withAlphaOf(encoded, await losslessAlpha(alpha)) : encoded;
    }
    case 'tiff':
      return whole().tiff({ compression: 'deflate', predictor: 'horizontal' }).toBuffer();
  }
}

/** AVIF's encoder has one quality for colour and alpha, so alpha is encoded apart, on black. */
function losslessAlpha(alpha: Image): Promise<Buffer> {
  const black = { width: alpha.width, height: alpha.height, channels: 3 as const, background: 'black' };
  const picture = sharp({ create: black, limitInputPixels: false });
  return picture
    .joinChannel(asInput(alpha), { raw: rawOf(alpha) })
    .avif({ lossless: true })
    .toBuffer();
}

function fromRaw(image: Image): Sharp {
  return sharp(image.pixels, { raw: rawOf(image), limitInputPixels: false });
}

/** Joined channels may be typed arrays of 16 bit too; sharp's types do not say so. */
function asInput({ pixels }: Image): Buffer {
  return pixels as unknown as Buffer;
}

function rawOf({ width, height, channels }: Image) {
  return { width, height, channels };
}
