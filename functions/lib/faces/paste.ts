import { type Image, peakOf } from '../imaging/image.ts';
import { invert, transform } from '../imaging/similarity.ts';
import type { Area } from '../imaging/tensor.ts';
import { warp } from '../imaging/warp.ts';
import { type AlignedFace, cropFace } from './align.ts';
import { lowPass } from './low-pass.ts';
import { type FaceMask, faceMask } from './mask.ts';

/** Rows of the photograph for which the change is held as floats at once. */
const band = 64;

/** px of the crop, standard deviation: what a face's colours are on this scale, the photograph says, not the network. */
const colourScale = 48;

/**
 * Puts a restored face into the photograph, at the photograph's own resolution. What is added is the difference between the
 * restored crop and the same crop of the photograph as it is now: an unchanged face changes nothing, and of a face larger than
 * the crop what the crop cannot hold stays. Colours are matched: coarse differences (48 px of the crop) are left out.
 * @param background changed in place, and only within the face's mask, see `faceMask`
 * @param aligned where the face lies, from this photograph or one of the same size
 * @param restored the FFHQ template's square with the photograph's channels, 8 or 16 bit
 * @throws RangeError where `restored` has another size or other channels
 */
export function pasteFace(
  background: Image,
  aligned: Pick<AlignedFace, 'matrix' | 'landmarks'>,
  restored: Image,
): void {
  const { matrix, landmarks } = aligned;
  const present = cropFace(background, matrix, 'ffhq-512');
  const { width, height, channels } = present;
  if (restored.width !== width || restored.height !== height || restored.channels !== channels) {
    const came = `${restored.width} x ${restored.height} x ${restored.channels}`;
    throw new RangeError(`Expected a restored face of ${width} x ${height} x ${channels} but received ${came}.`);
  }
  const mask = faceMask(landmarks, width);
  if (!mask) return;
  const change = { width, height, channels, pixels: changeOf(present, restored, mask) };
  const area = areaIn(background, mask.area, aligned);
  const peak = peakOf(background);
  const lookup = invert(matrix);
  for (let y = area.y; y < area.y + area.height; y += band) {
    const rows = { ...area, y, height: Math.min(band, area.y + area.height - y) };
    const samples = warp(change, lookup, rows);
    for (let index = 0; index < rows.width * rows.height; index++) {
      const column = area.x + (index % rows.width);
      const row = y + Math.floor(index / rows.width);
      const place = transform(matrix, { x: column + 0.5, y: row + 0.5 });
      const weight = mask.weight(place.x, place.y);
      if (weight === 0) continue;
      const to = (row * background.width + column) * channels;
      for (let channel = 0; channel < channels; channel++) {
        const value = (background.pixels[to + channel] ?? 0) + weight * (samples[index * channels + channel] ?? 0);
        background.pixels[to + channel] = Math.min(Math.max(value + 0.5, 0), peak);
      }
    }
  }
}

/** Restored minus present, in the photograph's levels, its coarse part left out. */
function changeOf(present: Image, restored: Image, mask: FaceMask): Float32Array {
  const { width, height, channels } = present;
  const levels = peakOf(present) / peakOf(restored);
  const pixels = Float32Array.from(restored.pixels, (value, index) => value * levels - (present.pixels[index] ?? 0));
  const weights = new Float32Array(width * height);
  for (let index = 0; index < weights.length; index++) {
    weights[index] = mask.weight((index % width) + 0.5, Math.floor(index / width) + 0.5);
  }
  const coarse = lowPass({ width, height, channels, pixels }, weights, colourScale);
  for (let index = 0; index < pixels.length; index++) pixels[index] = (pixels[index] ?? 0) - (coarse[index] ?? 0);
  return pixels;
}

/** The part of the photograph within which an area of the crop lies. */
function areaIn({ width, height }: Image, area: Area, { matrix }: Pick<AlignedFace, 'matrix'>): Area {
  const lookup = invert(matrix);
  const corners = [area.x, area.x + area.width].flatMap((x) =>
    [area.y, area.y + area.height].map((y) => transform(lookup, { x, y })),
  );
  const within = (places: number[], length: number) => {
    const start = Math.min(Math.max(Math.floor(Math.min(...places)), 0), length);
    return { start, count: Math.min(Math.max(Math.ceil(Math.max(...places)), start), length) - start };
  };
  const across = within(
    corners.map(({ x }) => x),
    width,
  );
  const down = within(
    corners.map(({ y }) => y),
    height,
  );
  return { x: across.start, y: down.start, width: across.count, height: down.count };
}
