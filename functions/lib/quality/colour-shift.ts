import { type Cells, cellSize } from './cells.ts';

export interface ColourShift {
  /** Levels of 255 by which the means of 32 px blocks moved, on average over the picture, in the channel where it is most. */
  average: number;
  /** Levels of 255 by which the mean of a 128 px block moved, in the worst place and channel. */
  worst: number;
}

const fine = 32 / cellSize;
const coarse = 128 / cellSize;

/** How far the colours of the low frequencies moved. Noise, blur and their removal hardly move them; a wrong colour does. */
export function colourShift(before: Cells, after: Cells): ColourShift {
  return {
    average: Math.max(...blockShifts(before, after, fine).map(({ mean }) => mean)),
    worst: Math.max(...blockShifts(before, after, coarse).map(({ largest }) => largest)),
  };
}

/** For each channel: how far the means of square groups of cells moved, on average and at most. */
function blockShifts(before: Cells, after: Cells, group: number): { mean: number; largest: number }[] {
  const { columns, rows, channels } = before;
  const across = Math.ceil(columns / group);
  const down = Math.ceil(rows / group);
  return Array.from({ length: channels }, (_, channel) => {
    const differences = new Float64Array(across * down);
    const counts = new Float64Array(across * down);
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < columns; column++) {
        const at = (row * columns + column) * channels + channel;
        const block = Math.floor(row / group) * across + Math.floor(column / group);
        differences[block] = (differences[block] ?? 0) + (after.means[at] ?? 0) - (before.means[at] ?? 0);
        counts[block] = (counts[block] ?? 0) + 1;
      }
    }
    const moved = differences.map((difference, block) => Math.abs(difference / (counts[block] ?? 1)));
    return {
      mean: moved.reduce((sum, one) => sum + one, 0) / moved.length,
      largest: moved.reduce((a, b) => Math.max(a, b)),
    };
  });
}
