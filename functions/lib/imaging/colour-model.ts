import { RestorationError } from '../contracts/errors.ts';

/** How a file's samples become gray or RGB of 8 or 16 bit. */
export interface ColourModel {
  channels: 1 | 3;
  bitDepth: 8 | 16;
  /** The colour space that must be converted, because neither a network nor most formats can take it. */
  convertedFrom?: 'CMYK' | 'Lab';
}

/** Colour spaces as libvips calls them. LABS is Lab in 16-bit integers; Lab of 8 bit is read as float. */
const models: Record<string, ColourModel> = {
  'b-w uchar': { channels: 1, bitDepth: 8 },
  'grey16 ushort': { channels: 1, bitDepth: 16 },
  'srgb uchar': { channels: 3, bitDepth: 8 },
  'rgb16 ushort': { channels: 3, bitDepth: 16 },
  'cmyk uchar': { channels: 3, bitDepth: 8, convertedFrom: 'CMYK' },
  'cmyk ushort': { channels: 3, bitDepth: 8, convertedFrom: 'CMYK' },
  'lab uchar': { channels: 3, bitDepth: 8, convertedFrom: 'Lab' },
  'lab float': { channels: 3, bitDepth: 8, convertedFrom: 'Lab' },
  'labs short': { channels: 3, bitDepth: 16, convertedFrom: 'Lab' },
};

/** @throws RestorationError `unsupported-format` for samples of 32 bit, of floating point, and for more than three colours */
export function colourModelOf(space: string, depth: string): ColourModel {
  const model = models[`${space} ${depth}`];
  if (model) return model;
  throw new RestorationError(
    'unsupported-format',
    `Expected gray, RGB, CMYK or Lab of 8 or 16 bit, came ${space} of type ${depth}. Convert it to a 16-bit TIFF or PNG first.`,
  );
}

/** The name by which libvips keeps samples of this kind as they are. */
export function spaceOf(channels: 1 | 3, bitDepth: 8 | 16): 'b-w' | 'grey16' | 'srgb' | 'rgb16' {
  if (channels === 1) return bitDepth === 16 ? 'grey16' : 'b-w';
  return bitDepth === 16 ? 'rgb16' : 'srgb';
}
