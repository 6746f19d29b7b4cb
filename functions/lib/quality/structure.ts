import { type Cells, cellSize } from './cells.ts';

export interface Structure {
  /** How much of the source's structure is found again: 1 and above all of it, 0 none, less where it was blurred away. */
  retained: number;
  /** Correlation of the structures, 1 where they are the same but for their strength. */
  correlation: number;
  /** Differences between neighbouring cells of the source, root mean square, levels of 255, noise taken off. */
  strength: number;
  /** The part of those differences that is noise, root mean square, levels of 255. */
  noise: number;
}

/** Cells a side: 32 px, within which noise and JPEG leave blotches and a flat place of a photograph is flat. */
const blockSize = 4;

/**
 * Compares the structure of two pictures where noise and blur are averaged out: the differences between neighbouring cells'
 * luma. What noise adds to the source's differences was never structure: it is taken to be what the flattest tenth of the source's blocks
 * has at most, since JPEG turns fine noise into blotches that no measure of fine noise sees.
 * @param sigma standard deviation of the source's fine noise, which counts where it says more, as in a picture of less than ten blocks
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
  const { columns, rows } = before;
  const count = rows * (columns - 1) + (rows - 1) * columns;
  const energies = blockEnergies(was, before).sort();
  const flattest = energies[Math.floor(energies.length / 10) - 1] ?? 0;
  // A cell's mean has the noise of a pixel divided by the cell's side; a difference of two means has it twice, in energy.
  const noiseEnergy = Math.max(2 * (sigma / cellSize) ** 2, flattest);
  const structure = Math.max(0, wasEnergy - count * noiseEnergy);
  return {
    retained: structure === 0 ? 0 : common / structure,
    correlation: structure === 0 || isEnergy === 0 ? 0 : common / Math.sqrt(structure * isEnergy),
    strength: count === 0 ? 0 : Math.sqrt(structure / count),
    noise: Math.sqrt(noiseEnergy),
  };
}

/** Of [rows, columns, 2]: differences of each cell's luma to the one right of it and to the one below; 0 where there is none. */
function gradients({ columns, rows, channels, means }: Cells): Float32Array {
  const luma = (at: number): number =>
    channels === 1
      ? (means[at] ?? 0)
      : 0.299 * (means[3 * at] ?? 0) + 0.587 * (means[3 * at + 1] ?? 0) + 0.114 * (means[3 * at + 2] ?? 0);
  const values = new Float32Array(2 * rows * columns);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const at = row * columns + column;
      if (column + 1 < columns) values[2 * at] = luma(at + 1) - luma(at);
      if (row + 1 < rows) values[2 * at + 1] = luma(at + columns) - luma(at);
    }
  }
  return values;
}

/** Mean square of the differences within each whole block. */
function blockEnergies(differences: Float32Array, { columns, rows }: Cells): Float64Array {
  const across = Math.floor(columns / blockSize);
  const energies = new Float64Array(across * Math.floor(rows / blockSize));
  for (let block = 0; block < energies.length; block++) {
    const top = Math.floor(block / across) * blockSize;
    const left = (block % across) * blockSize;
    for (let row = top; row < top + blockSize; row++) {
      const from = 2 * (row * columns + left);
      for (let at = from; at < from + 2 * blockSize; at++)
        energies[block] = (energies[block] ?? 0) + (differences[at] ?? 0) ** 2;
    }
  }
  return energies.map((energy) => energy / (2 * blockSize ** 2));
}
