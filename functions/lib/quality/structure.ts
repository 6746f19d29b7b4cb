import { type Cells, cellSize } from './cells.ts';

export interface Structure {
  /** How much of the source's structure is found again: 1 all of it, 0 none, less where it was blurred away. */
  retained: number;
  /** Correlation of the structures, 1 where they are the same but for their strength. */
  correlation: number;
  /** Differences between neighbouring cells of the source, root mean square, levels of 255, noise taken off. */
  strength: number;
  /** The part of those differences that is noise, root mean square, levels of 255. */
  noise: number;
}

/**
 * Compares the structure of two pictures where noise and blur are averaged out: the differences between neighbouring cells'
 * luma.
 * @param sigma standard deviation of the source's noise; what it adds to the source's differences was never structure
 */
export function compareStructure(before: Cells, after: Cells, sigma: number): Structure {
  const was = gradients(before);
  const is = gradients(after);
  let common = 0;
  let wasEnergy = 0;
  let isEnergy = 0;
  for (let i = 0; i < was.length; i++) {
    common += (was[i] ?? 0) * (is[i] ?? 0);
    wasEnergy += (was[i] ?? 0) ** 2;
    isEnergy += (is[i] ?? 0) ** 2;
  }
  // A cell's mean has the noise of a pixel divided by the cell's side; a difference of two means has it twice, in energy.
  const noise = (Math.SQRT2 * sigma) / cellSize;
  const structure = Math.max(0, wasEnergy - was.length * noise ** 2);
  return {
    retained: structure === 0 ? 0 : common / structure,
    correlation: structure === 0 || isEnergy === 0 ? 0 : common / Math.sqrt(structure * isEnergy),
    strength: was.length === 0 ? 0 : Math.sqrt(structure / was.length),
    noise,
  };
}

/** Differences of each cell's luma to the one right of it and to the one below. */
function gradients({ columns, rows, channels, means }: Cells): Float32Array {
  const luma = (at: number): number =>
    channels === 1
      ? (means[at] ?? 0)
      : 0.299 * (means[3 * at] ?? 0) + 0.587 * (means[3 * at + 1] ?? 0) + 0.114 * (means[3 * at + 2] ?? 0);
  const values = new Float32Array(rows * (columns - 1) + (rows - 1) * columns);
  let to = 0;
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const at = row * columns + column;
      if (column + 1 < columns) values[to++] = luma(at + 1) - luma(at);
      if (row + 1 < rows) values[to++] = luma(at + columns) - luma(at);
    }
  }
  return values;
}
