import { type Image, peakOf } from '../imaging/image.ts';
import { type BandEnergy, bandEnergies, blur, type Plane } from './bands.ts';
import { lowPass } from './low-pass.ts';
import { faceMask } from './mask.ts';
import { templates } from './template.ts';

/** px of the crop: finer than this no identity is told. Everything below is in cells of this side. */
const cell = 4;

/** Standard deviations of the blurs that are tried, cells. The strongest leaves eyes, nose and mouth apart. */
const blurs = [0, 0.5, 0.75, 1, 1.5, 2, 3, 4, 6];

/** Coarser parts are light and colour, which a restoration may change and the paste takes from the photograph. */
const coarsest = 20;

/** Where noise is left with at most this share of the energy, it no longer hides what is compared. */
const mostNoise = 0.03;

/** Steps of blur beyond the estimate, which is good to one or two. */
const leeway = 2;

/** Levels of 255, squared: with less there is no structure to compare. */
const flat = 0.01;

/**
 * How well a restored face explains the face it was made from: it is damaged again, to the input's sharpness, both are smoothed
 * until the input's noise does not matter, and the structures within the face are correlated. The blur is estimated from how
 * strong both are in each octave of detail; of the blurs up to two steps above, the best match counts. So a sharp input is
 * compared in its details, a ruined one in what can still be seen of it. Needs no model.
 * @param input the FFHQ template's square of the photograph
 * @param restored the same square from a restorer
 * @returns 1 where it explains all, around 0.6 to 0.9 for another person's face, which has eyes and a mouth in the same places, too
 * @throws RangeError where the two are not the template's square
 */
export function consistencyOf(input: Image, restored: Image): number {
  const { side, points } = templates['ffhq-512'];
  for (const { width, height } of [input, restored]) {
    if (width !== side || height !== side) {
      throw new RangeError(`Expected a face of ${side} x ${side} but received ${width} x ${height}.`);
    }
  }
  const mask = faceMask(points, side);
  const across = side / cell;
  const weights = Float32Array.from(
    { length: across * across },
    (_, place) => mask?.weight(((place % across) + 0.5) * cell, (Math.floor(place / across) + 0.5) * cell) ?? 0,
  );
  const before = lumaCells(input);
  const after = lumaCells(restored);
  const strongest = Math.max(estimateBlur(before, after, weights), quietingBlur(before, weights)) + leeway;
  const matches = blurs.slice(0, strongest + 1).map((sigma) => {
    // Blurred once as damage, and once more, like the input, against its noise.
    const damaged = blur(after, Math.SQRT2 * sigma);
    return correlation(structureOf(blur(before, sigma), weights), structureOf(damaged, weights), weights);
  });
  return Math.max(...matches);
}

/** Index of the blur with which the restored face is as strong in each octave as the input is without its noise. */
function estimateBlur(before: Plane, after: Plane, weights: Float32Array): number {
  const input = bandEnergies(before, weights);
  const costs = blurs.map((sigma) => {
    const energies = bandEnergies(blur(after, sigma), weights);
    return input.reduce((cost, { all, noise }, band) => {
      const signal = Math.max(all - noise, 0.001 * all) + flat;
      const ratio = Math.log(signal / ((energies[band]?.all ?? 0) + flat));
      return cost + (signal / (all + flat)) * ratio ** 2;
    }, 0);
  });
  return costs.indexOf(Math.min(...costs));
}

/** Index of the weakest blur that leaves the input without noise to speak of in its two finest octaves. */
function quietingBlur(before: Plane, weights: Float32Array): number {
  const quiet = blurs.findIndex((sigma) => {
    const energies = bandEnergies(blur(before, sigma), weights);
    const sum = (parts: BandEnergy[], part: keyof BandEnergy) => parts.reduce((total, one) => total + one[part], 0);
    return sum(energies.slice(0, 2), 'noise') < mostNoise * sum(energies, 'all');
  });
  return quiet < 0 ? blurs.length - 1 : quiet;
}

/** Without its coarse parts and with a mean of 0. */
function structureOf({ width, height, values }: Plane, weights: Float32Array): Float32Array {
  const coarse = lowPass({ width, height, channels: 1, pixels: values }, weights, coarsest);
  const structure = values.map((value, place) => value - (coarse[place] ?? 0));
  let sum = 0;
  let total = 0;
  for (const [place, weight] of weights.entries()) {
    sum += weight * (structure[place] ?? 0);
    total += weight;
  }
  return structure.map((value) => value - sum / total);
}

function correlation(a: Float32Array, b: Float32Array, weights: Float32Array): number {
  let common = 0;
  let first = 0;
  let second = 0;
  let total = 0;
  for (const [place, weight] of weights.entries()) {
    const was = a[place] ?? 0;
    const is = b[place] ?? 0;
    common += weight * was * is;
    first += weight * was * was;
    second += weight * is * is;
    total += weight;
  }
  const [strong, weak] = [Math.max(first, second) / total, Math.min(first, second) / total];
  if (weak < flat) return strong < flat ? 1 : 0;
  return common / Math.sqrt(first * second);
}

/** Means of squares of 4 px, Rec. 601 luma, 0 to 255. */
function lumaCells(image: Image): Plane {
  const { channels, pixels } = image;
  const width = image.width / cell;
  const height = image.height / cell;
  const shares = channels === 3 ? [0.299, 0.587, 0.114] : [1];
  const scale = 255 / peakOf(image) / cell ** 2;
  const values = new Float32Array(width * height);
  for (let place = 0; place < image.width * image.height; place++) {
    const row = Math.floor(place / image.width / cell);
    const to = row * width + Math.floor((place % image.width) / cell);
    let luma = 0;
    for (let channel = 0; channel < channels; channel++)
      luma += (shares[channel] ?? 0) * (pixels[place * channels + channel] ?? 0);
    values[to] = (values[to] ?? 0) + luma * scale;
  }
  return { width, height, values };
}
