import type { ImageFacts, Warning } from '../contracts/record.ts';
import type { MetadataPolicy } from '../contracts/settings.ts';
import type { Packets } from './containers/packets.ts';
import { checkExif, onlyRights, readExif, withUprightOrientation, writeExif } from './exif.ts';
import { complaintOf } from './failure.ts';
import { type FoundMetadata, findMetadata, type Header } from './find-metadata.ts';
import { faultOfProfile, isGrayProfile, isSrgb } from './icc.ts';
import type { Metadata } from './image.ts';
import { readRights, withGeneratedParts, withUprightXmp, writeXmp } from './xmp.ts';

/**
 * Metadata as the rest of the program takes it: what is unusable is left out and warned about, and nothing fails.
 * @param header what the decoder reports of the file
 * @param converted the colours were, so that the file's profile is of no more use
 */
export function readMetadata(
  bytes: Buffer,
  header: Header,
  { format, channels, orientation }: ImageFacts,
  converted: boolean,
): { metadata: Metadata; warnings: Warning[] } {
  try {
    return accept(findMetadata(bytes, format, header), converted ? undefined : channels);
  } catch (thrown) {
    const message = `The metadata could not be read and was left out: ${complaintOf(thrown)}.`;
    return { metadata: { orientation }, warnings: [{ code: 'metadata-dropped', message }] };
  }
}

function accept(found: FoundMetadata, channels: 1 | 3 | undefined) {
  const warnings: Warning[] = [];
  const metadata: Metadata = { orientation: found.orientation ?? 1, xmp: found.xmp };
  if (found.notCarried.length > 0) metadata.notCarried = found.notCarried;
  if (found.exif) {
    const exif = found.exif.toString('latin1', 0, 6) === 'Exif\0\0' ? found.exif.subarray(6) : found.exif;
    const upright = withUprightOrientation(exif);
    // An orientation that the decoder saw and this cannot reset would turn the result a second time.
    if (!upright || (metadata.orientation !== 1 && !upright.found)) {
      warnings.push({ code: 'exif-dropped', message: 'The EXIF block could not be read and was left out.' });
    } else {
      metadata.exif = exif;
      if (checkExif(exif) === 'irregular') {
        warnings.push({
          code: 'exif-irregular',
          message: 'The EXIF block is damaged in parts; it was taken as it is.',
        });
      }
    }
  }
  if (found.refusedProfile) {
    warnings.push({ code: 'profile-dropped', message: 'The colour profile is unusable: its reader refused it.' });
  }
  if (found.icc && channels) {
    const fault = faultOfProfile(found.icc, channels);
    if (fault) warnings.push({ code: 'profile-dropped', message: `The colour profile is unusable: ${fault}.` });
    else metadata.icc = found.icc;
  }
  return { metadata, warnings };
}

/**
 * What of a source's metadata goes into the result.
 * @param target whether the format stores gray as colour
 * @param by.processedBy name and version of what changed the pixels
 * @param by.generated whether parts of the picture were generated, which a packet of the source's own must say too
 */
export function applyPolicy(
  metadata: Metadata,
  policy: MetadataPolicy,
  target: { colourOnly: boolean },
  { processedBy, generated = false }: { processedBy?: string; generated?: boolean } = {},
): { packets: Packets; warnings: Warning[] } {
  const warnings: Warning[] = [];
  const packets: Packets = {};
  if (metadata.icc && target.colourOnly && isGrayProfile(metadata.icc)) {
    warnings.push(notCarried('gray colour profile', 'the format stores gray as colour'));
  } else if (metadata.icc && policy !== 'none') packets.icc = metadata.icc;
  else if (metadata.icc && !isSrgb(metadata.icc)) {
    packets.icc = metadata.icc;
    warnings.push({
      code: 'profile-kept',
      message: 'The colour profile was kept although no metadata was asked for: without it the colours would change.',
    });
  }
  if (policy === 'keep') {
    packets.exif = metadata.exif && withUprightOrientation(metadata.exif)?.block;
    const own = metadata.xmp && withUprightXmp(metadata.xmp);
    packets.xmp = own ? (generated ? withGeneratedParts(own) : own) : writeXmp(undefined, processedBy);
    for (const what of metadata.notCarried ?? []) warnings.push(notCarried(what, 'results do not carry it'));
  }
  if (policy === 'copyright') {
    const tree = metadata.exif && readExif(metadata.exif);
    const rights = tree && onlyRights(tree);
    if (rights) packets.exif = writeExif(rights);
    packets.xmp = writeXmp(metadata.xmp && readRights(metadata.xmp), processedBy);
  }
  return { packets, warnings };
}

export function notCarried(what: string, why: string): Warning {
  return { code: 'metadata-not-carried', message: `Left out: ${what} (${why}).` };
}
