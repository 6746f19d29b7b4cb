import type { Raster } from '../imaging/warp.ts';

/**
 * What is left of a raster when only its coarse parts are looked at: three box filters in a row, as good as a Gaussian. Samples
 * count by their weights, so that what has none does not colour what has some.
 * @param weights [height, width]
 * @param sigma px
 * @returns [height, width, channels]; 0 where no sample with a weight is near
 */
export function lowPass(
  { width, height, channels, pixels }: Raster,
  weights: Float32Array,
  sigma: number,
): Float32Array {
  const radius = radiusFor(sigma);
  const depth = channels + 1;
  let sums = new Float32Array(width * height * depth);
  for (const [index, weight] of weights.entries()) {
    for (let channel = 0; channel < channels; channel++) {
      sums[index * depth + channel] = weight * (pixels[index * channels + channel] ?? 0);
    }
    sums[index * depth + channels] = weight;
  }
  for (let pass = 0; pass < 3; pass++) {
    sums = boxFiltered(sums, { lines: height, jump: width * depth, length: width, step: depth, depth }, radius);
    sums = boxFiltered(sums, { lines: width, jump: depth, length: height, step: width * depth, depth }, radius);
  }
  const result = new Float32Array(width * height * channels);
  for (let index = 0; index < width * height; index++) {
    const weight = sums[index * depth + channels] ?? 0;
    if (weight <= 1e-6) continue;
    for (let channel = 0; channel < channels; channel++) {
      result[index * channels + channel] = (sums[index * depth + channel] ?? 0) / weight;
    }
  }
  return result;
}

/** Three boxes of side n spread as much as a Gaussian of variance (n^2 - 1) / 4. */
function radiusFor(sigma: number): number {
  return Math.max(1, Math.round((Math.sqrt(4 * sigma * sigma + 1) - 1) / 2));
}

interface Lines {
  lines: number;
  jump: number;
  length: number;
  step: number;
  depth: number;
}

/** Running sums along lines; beyond the border there is nothing. */
function boxFiltered(samples: Float32Array, scan: Lines, radius: number): Float32Array<ArrayBuffer> {
  const { lines, jump, length, step, depth } = scan;
  const result = new Float32Array(samples.length);
  const side = 2 * radius + 1;
  for (let line = 0; line < lines; line++) {
    for (let channel = 0; channel < depth; channel++) {
      const start = line * jump + channel;
      let sum = 0;
      for (let index = -radius; index < length; index++) {
        if (index + radius < length) sum += samples[start + (index + radius) * step] ?? 0;
        if (index - radius > 0) sum -= samples[start + (index - radius - 1) * step] ?? 0;
        if (index >= 0) result[start + index * step] = sum / side;
      }
    }
  }
  return result;
}
