/** One value a place, rows from the top. */
export interface Plane {
  width: number;
  height: number;
  values: Float32Array;
}

/** Standard deviations between which the bands lie, an octave each, px of the plane. */
const edges = [0, 1, 2, 4, 8];

/** px of the plane: squares in which a band's energy is averaged to find its calmest places; larger for slower bands. */
const squares = [4, 8, 16, 16];

/** The calmest squares show noise, the rest shows noise and structure. Not the very calmest: those got lucky. */
const calmest = 0.15;

export interface BandEnergy {
  /** Mean square over the weighted part. */
  all: number;
  /** What of it is noise, by the band's calmest places. */
  noise: number;
}

/** How strong a picture is in each octave of detail, finest first. */
export function bandEnergies(plane: Plane, weights: Float32Array): BandEnergy[] {
  const smoothed = edges.map((sigma) => blur(plane, sigma));
  return squares.map((side, index) => {
    const finer = smoothed[index]?.values ?? plane.values;
    const coarser = smoothed[index + 1]?.values ?? plane.values;
    const energy = finer.map((value, place) => (value - (coarser[place] ?? 0)) ** 2);
    let sum = 0;
    let total = 0;
    for (const [place, weight] of weights.entries()) {
      sum += weight * (energy[place] ?? 0);
      total += weight;
    }
    return { all: sum / total, noise: Math.min(calmEnergy({ ...plane, values: energy }, weights, side), sum / total) };
  });
}

function calmEnergy({ width, height, values }: Plane, weights: Float32Array, side: number): number {
  const means: number[] = [];
  for (let top = 0; top + side <= height; top += side) {
    for (let left = 0; left + side <= width; left += side) {
      let sum = 0;
      let weight = 0;
      for (let place = 0; place < side * side; place++) {
        const at = (top + Math.floor(place / side)) * width + left + (place % side);
        sum += values[at] ?? 0;
        weight += weights[at] ?? 0;
      }
      if (weight > 0.5 * side * side) means.push(sum / (side * side));
    }
  }
  means.sort((a, b) => a - b);
  return means[Math.floor(calmest * means.length)] ?? 0;
}

/** By a Gaussian; beyond the border the last value is repeated. */
export function blur(plane: Plane, sigma: number): Plane {
  if (sigma === 0) return plane;
  const radius = Math.ceil(3.5 * sigma);
  const kernel = Float64Array.from({ length: 2 * radius + 1 }, (_, k) => Math.exp(-0.5 * ((k - radius) / sigma) ** 2));
  const sum = kernel.reduce((total, weight) => total + weight, 0);
  const normal = kernel.map((weight) => weight / sum);
  const { width, height } = plane;
  const across = alongLines(plane.values, { lines: height, jump: width, length: width, step: 1 }, normal);
  return { width, height, values: alongLines(across, { lines: width, jump: 1, length: height, step: width }, normal) };
}

interface Lines {
  lines: number;
  jump: number;
  length: number;
  step: number;
}

function alongLines(values: Float32Array, { lines, jump, length, step }: Lines, kernel: Float64Array): Float32Array {
  const radius = (kernel.length - 1) / 2;
  const result = new Float32Array(values.length);
  const padded = new Float64Array(length + 2 * radius);
  for (let line = 0; line < lines; line++) {
    const start = line * jump;
    for (let place = 0; place < padded.length; place++) {
      padded[place] = values[start + Math.min(Math.max(place - radius, 0), length - 1) * step] ?? 0;
    }
    for (let index = 0; index < length; index++) {
      let sum = (kernel[radius] ?? 0) * (padded[index + radius] ?? 0);
      for (let k = 0; k < radius; k++) {
        sum += (kernel[k] ?? 0) * ((padded[index + k] ?? 0) + (padded[index + 2 * radius - k] ?? 0));
      }
      result[start + index * step] = sum;
    }
  }
  return result;
}
