import type { Warning } from '../contracts/record.ts';
import type { ResultFormat } from './formats.ts';
import type { DecodedImage, Image } from './image.ts';

/** The image as the format can hold it: of 8 bit and without alpha where it must be. */
export function fitInto(image: Pick<DecodedImage, 'colour' | 'alpha'>, format: ResultFormat) {
  const warnings: Warning[] = [];
  if (format === 'png' || format === 'tiff') return { colour: image.colour, alpha: image.alpha, warnings };
  if (image.colour.pixels instanceof Uint16Array) {
    warnings.push({ code: 'depth-reduced', message: `${format} holds 8 bits a channel; the picture had 16.` });
  }
  const colour = toEightBit(image.colour);
  const alpha = image.alpha && toEightBit(image.alpha);
  if (format !== 'jpeg' || !alpha) return { colour, alpha, warnings };
  warnings.push({ code: 'alpha-flattened', message: 'jpeg holds no transparency; the picture was put on white.' });
  return { colour: onWhite(colour, alpha), alpha: undefined, warnings };
}

/** An image of 8 bit with the same look: 65,535 becomes 255, and what lies between is rounded. */
export function toEightBit(image: Image): Image {
  if (image.pixels instanceof Uint8Array) return image;
  const pixels = new Uint8Array(image.pixels.length);
  // 257 is 65,535 / 255.
  for (let index = 0; index < pixels.length; index++) pixels[index] = ((image.pixels[index] ?? 0) + 128) / 257;
  return { ...image, pixels };
}

/**
 * The picture as it looks on white paper.
 * @param colour 8 bit
 * @param alpha 8 bit, of the same size; 255 is opaque
 */
export function onWhite(colour: Image, alpha: Image): Image {
  const pixels = new Uint8Array(colour.pixels.length);
  for (let index = 0; index < pixels.length; index++) {
    const cover = alpha.pixels[Math.floor(index / colour.channels)] ?? 255;
    pixels[index] = 255 + Math.round((((colour.pixels[index] ?? 0) - 255) * cover) / 255);
  }
  return { ...colour, pixels };
}
