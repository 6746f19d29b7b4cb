import { type Image, peakOf } from '../imaging/image.ts';
import type { Area } from '../imaging/tensor.ts';

/**
 * A picture and its halves, quarters and so on, each the mean of four pixels of the one before. All but the first, which is
 * the picture itself, have 8 bits: a third of its pixels more.
 * @returns a pixel of the octave k is 2^k px of the picture wide
 */
export function octavesOf(picture: Image, count: number): Image[] {
  const octaves = [picture];
  for (let last = picture; octaves.length < count; octaves.push(last)) last = halve(last);
  return octaves;
}

/** An odd side's last column or row counts twice. */
function halve(image: Image): Image {
  const { channels, pixels } = image;
  const [width, height] = [Math.ceil(image.width / 2), Math.ceil(image.height / 2)];
  const half = new Uint8Array(width * height * channels);
  const factor = 255 / peakOf(image) / 4;
  const row = image.width * channels;
  let to = 0;
  for (let y = 0; y < height; y++) {
    const upper = 2 * y * row;
    const lower = 2 * y + 1 < image.height ? upper + row : upper;
    for (let x = 0; x < width; x++) {
      const left = 2 * x * channels;
      const right = 2 * x + 1 < image.width ? left + channels : left;
      for (let c = 0; c < channels; c++) {
        const above = (pixels[upper + left + c] ?? 0) + (pixels[upper + right + c] ?? 0);
        const below = (pixels[lower + left + c] ?? 0) + (pixels[lower + right + c] ?? 0);
        half[to++] = factor * (above + below) + 0.5;
      }
    }
  }
  return { width, height, channels, pixels: half };
}

/**
 * A part of an octave, enlarged by `zoom` (1 or more: less would leave out pixels), bilinear. Black where there is no picture.
 * @param area in the octave's pixels, fractions allowed
 * @returns 8 bit, `area` times `zoom` in size
 */
export function viewOf(octave: Image, area: Area, zoom: number): Image {
  const { channels, pixels } = octave;
  const [width, height] = [Math.round(area.width * zoom), Math.round(area.height * zoom)];
  const view = new Uint8Array(width * height * channels);
  const scale = 255 / peakOf(octave);
  const columns = neighbours(area.x, width, zoom, octave.width);
  const rows = neighbours(area.y, height, zoom, octave.height);
  for (const [y, row] of rows.entries()) {
    if (!row) continue;
    const upper = row.before * octave.width;
    const lower = row.after * octave.width;
    let to = y * width * channels;
    for (const column of columns) {
      if (!column) {
        to += channels;
        continue;
      }
      const { before, after, share } = column;
      for (let c = 0; c < channels; c++) {
        const above = mix(pixels[(upper + before) * channels + c], pixels[(upper + after) * channels + c], share);
        const below = mix(pixels[(lower + before) * channels + c], pixels[(lower + after) * channels + c], share);
        view[to++] = scale * mix(above, below, row.share) + 0.5;
      }
    }
  }
  return { width, height, channels, pixels: view };
}

function mix(a = 0, b = 0, share: number): number {
  return a + (b - a) * share;
}

/** For each place of a view the two pixels between which it lies, or nothing where it lies outside. */
function neighbours(start: number, count: number, zoom: number, length: number) {
  return Array.from({ length: count }, (_, index) => {
    const place = start + (index + 0.5) / zoom;
    if (place < 0 || place >= length) return undefined;
    const first = Math.floor(place - 0.5);
    const before = Math.max(first, 0);
    const after = Math.min(first + 1, length - 1);
    return { before, after, share: place - 0.5 - first };
  });
}
