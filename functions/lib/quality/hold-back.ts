import type { ModelCard } from '../contracts/model-card.ts';
import { type Image, peakOf } from '../imaging/image.ts';

type ChangeLimit = NonNullable<NonNullable<ModelCard['decision']>['largestChange']>;

/** px; large enough to tell a change from its chance, small enough that a facade is not judged with the sky beside it. */
const cellSide = 32;

/**
 * How much a place may change: the card's two limits, and between and beyond their scores the same ratio for the same step.
 * @param quality the learned score of the picture as it came, on the scale of the card's decision
 * @returns levels of 255
 */
export function largestChange({ scores: [low, high], levels: [more, less] }: ChangeLimit, quality: number): number {
  return more * (less / more) ** ((quality - low) / (high - low));
}

/**
 * Do no harm, place by place: no restoration can mend more than was damaged, and the score before says how much that can be.
 * Where the change of a cell is larger, it is scaled down to the limit; between the cells' centres the scale goes over evenly.
 * Calibrated by models/calibrate_decision.py, whose hold_back.py computes the same.
 * @param restored of the original's size and depth; changed in place
 * @param limit root mean square over a cell, levels of 255
 * @returns share of the change that is left, 0 to 1
 */
export function holdBack(original: Image, restored: Image, limit: number): number {
  const { width, height, channels } = original;
  const columns = Math.ceil(width / cellSide);
  const rows = Math.ceil(height / cellSide);
  const energies = cellEnergies(original, restored, columns, rows);
  const scales = energies.map((energy) => Math.min(1, limit / Math.sqrt(energy)));
  if (scales.every((scale) => scale === 1)) return 1;

  const was = original.pixels;
  const is = restored.pixels;
  const across = Array.from({ length: width }, (_, x) => between(x, columns));
  const ofCells = new Float64Array(columns);
  let wanted = 0;
  let kept = 0;
  for (let y = 0, at = 0; y < height; y++) {
    const { first, second, share } = between(y, rows);
    for (let column = 0; column < columns; column++)
      ofCells[column] = mix(scales[first * columns + column], scales[second * columns + column], share);
    for (let x = 0; x < width; x++) {
      const { first, second, share } = across[x] as Between;
      const scale = mix(ofCells[first], ofCells[second], share);
      for (const end = at + channels; at < end; at++) {
        const from = was[at] ?? 0;
        const change = (is[at] ?? 0) - from;
        wanted += change * change;
        kept += scale * scale * change * change;
        is[at] = from + scale * change + 0.5; // storing cuts off what is behind the point
      }
    }
  }
  return Math.sqrt(kept / wanted);
}

/** Mean square of the change of each cell, levels of 255; cells at the right and bottom border are as small as what is left. */
function cellEnergies(original: Image, restored: Image, columns: number, rows: number): Float64Array {
  const { width, height, channels } = original;
  const was = original.pixels;
  const is = restored.pixels;
  const scale = (255 / peakOf(original)) ** 2;
  const energies = new Float64Array(columns * rows);
  for (let y = 0, at = 0; y < height; y++) {
    const tall = Math.min(cellSide, height - (y - (y % cellSide)));
    for (let column = 0; column < columns; column++) {
      const wide = Math.min(cellSide, width - column * cellSide);
      let sum = 0;
      for (const end = at + wide * channels; at < end; at++) {
        const change = (is[at] ?? 0) - (was[at] ?? 0);
        sum += change * change;
      }
      const cell = Math.floor(y / cellSide) * columns + column;
      energies[cell] = (energies[cell] ?? 0) + (sum * scale) / (wide * tall * channels);
    }
  }
  return energies;
}

interface Between {
  first: number;
  second: number;
  /** Of the second; what is left is the first's. */
  share: number;
}

/** Between which cells' centres a pixel's centre lies; outside the outermost, at them. */
function between(pixel: number, cells: number): Between {
  const place = Math.min(cells - 1, Math.max(0, (pixel + 0.5) / cellSide - 0.5));
  const first = Math.min(cells - 1, Math.floor(place));
  return { first, second: Math.min(cells - 1, first + 1), share: place - first };
}

function mix(first = 1, second = 1, share = 0): number {
  return first + share * (second - first);
}
