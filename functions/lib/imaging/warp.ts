import { invert, magnification, type Similarity, transform } from './similarity.ts';
import type { Area } from './tensor.ts';

/** Samples in rows from the top, channels interleaved; an Image is one, and so is a plane of floats. */
export interface Raster {
  width: number;
  height: number;
  channels: number;
  pixels: Uint8Array | Uint16Array | Float32Array;
}

/** Where a raster's samples are looked up for a target pixel: at (a x - b y + dx, b x + a y + dy), centres at .5. */
interface Source {
  raster: Raster;
  lookup: Similarity;
}

/** px of the source on each side of a place that the unstretched kernel reaches. */
const reach = 2;

/**
 * Moves a raster by a similarity: Catmull-Rom where it is enlarged; where it is shrunk, the same kernel stretched, so that no
 * detail folds back that the target cannot hold. Shrunk to less than a half, squares of samples are averaged first. Beyond its
 * border the raster is mirrored at its last sample.
 * @param matrix from pixels of the raster to pixels of the target; the middle of a first pixel is (0.5, 0.5)
 * @param area the part of the target that is wanted
 * @returns [area.height, area.width, channels] in the raster's own units, not rounded and not clipped
 */
export function warp(raster: Raster, matrix: Similarity, area: Area): Float32Array {
  const lookup = invert(matrix);
  const step = magnification(lookup);
  const side = Math.ceil(step / 2);
  const source = side > 1 ? averaged(raster, lookup, area, side) : { raster, lookup };
  return sampled(source, area, Math.max(1, magnification(source.lookup)));
}

function sampled({ raster, lookup }: Source, area: Area, stretch: number): Float32Array {
  const { width, height, channels, pixels } = raster;
  const radius = reach * stretch;
  const most = Math.ceil(2 * radius) + 1;
  const columns = new Float64Array(most);
  const rows = new Float64Array(most);
  const offsets = new Int32Array(most);
  const result = new Float32Array(area.width * area.height * channels);
  let to = 0;
  for (let row = 0; row < area.height; row++) {
    for (let column = 0; column < area.width; column++, to += channels) {
      const { x, y } = transform(lookup, { x: area.x + column + 0.5, y: area.y + row + 0.5 });
      const left = Math.ceil(x - radius - 0.5);
      const top = Math.ceil(y - radius - 0.5);
      const across = weigh(columns, x - left - 0.5, stretch);
      const down = weigh(rows, y - top - 0.5, stretch);
      for (let u = 0; u < across; u++) offsets[u] = mirrored(left + u, width) * channels;
      for (let v = 0; v < down; v++) {
        const line = mirrored(top + v, height) * width * channels;
        const weight = rows[v] ?? 0;
        for (let u = 0; u < across; u++) {
          const from = line + (offsets[u] ?? 0);
          const share = weight * (columns[u] ?? 0);
          for (let channel = 0; channel < channels; channel++) {
            result[to + channel] = (result[to + channel] ?? 0) + share * (pixels[from + channel] ?? 0);
          }
        }
      }
    }
  }
  return result;
}

/**
 * Weights of the samples 0, 1, ... of a line for a place on it; they add up to one.
 * @param place from the first sample's middle
 * @returns how many there are
 */
function weigh(weights: Float64Array, place: number, stretch: number): number {
  const count = Math.floor(place + reach * stretch) + 1;
  let sum = 0;
  for (let index = 0; index < count; index++) {
    const weight = catmullRom(Math.abs(index - place) / stretch);
    weights[index] = weight;
    sum += weight;
  }
  for (let index = 0; index < count; index++) weights[index] = (weights[index] ?? 0) / sum;
  return count;
}

function catmullRom(distance: number): number {
  if (distance < 1) return (1.5 * distance - 2.5) * distance * distance + 1;
  if (distance < reach) return ((-0.5 * distance + 2.5) * distance - 4) * distance + 2;
  return 0;
}

/** The means of squares of the source, of all those that the area looks at. */
function averaged(raster: Raster, lookup: Similarity, area: Area, side: number): Source {
  const { width, height, channels, pixels } = raster;
  const corners = [0, area.width].flatMap((x) =>
    [0, area.height].map((y) => transform(lookup, { x: area.x + x, y: area.y + y })),
  );
  const span = (places: number[]) => {
    // Two squares more on each side than a kernel of stretch 2 reaches.
    const start = Math.floor(Math.min(...places) / side) - 2 * reach - 2;
    return { start, count: Math.ceil(Math.max(...places) / side) + 2 * reach + 2 - start };
  };
  const across = span(corners.map(({ x }) => x));
  const down = span(corners.map(({ y }) => y));
  const columns = Int32Array.from(
    { length: across.count * side },
    (_, u) => mirrored(across.start * side + u, width) * channels,
  );
  const means = new Float32Array(across.count * down.count * channels);
  for (let v = 0; v < down.count * side; v++) {
    const line = mirrored(down.start * side + v, height) * width * channels;
    const first = Math.floor(v / side) * across.count * channels;
    for (let u = 0; u < columns.length; u++) {
      const from = line + (columns[u] ?? 0);
      const to = first + Math.floor(u / side) * channels;
      for (let channel = 0; channel < channels; channel++) {
        means[to + channel] = (means[to + channel] ?? 0) + (pixels[from + channel] ?? 0);
      }
    }
  }
  const share = 1 / (side * side);
  for (let index = 0; index < means.length; index++) means[index] = (means[index] ?? 0) * share;
  return {
    raster: { width: across.count, height: down.count, channels, pixels: means },
    lookup: {
      a: lookup.a / side,
      b: lookup.b / side,
      dx: lookup.dx / side - across.start,
      dy: lookup.dy / side - down.start,
    },
  };
}

/** As beyond a tile's border: the last sample is not repeated. */
function mirrored(place: number, length: number): number {
  if (place >= 0 && place < length) return place;
  const period = Math.max(1, 2 * (length - 1));
  const phase = ((place % period) + period) % period;
  return phase < length ? phase : period - phase;
}
