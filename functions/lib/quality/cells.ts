import { type Image, peakOf } from '../imaging/image.ts';

/** A picture reduced to the means of its square cells: what remains of it whatever happened to its details. */
export interface Cells {
  columns: number;
  rows: number;
  channels: 1 | 3;
  /** Means of [rows, columns, channels], 0 to 255 whatever the depth. */
  means: Float32Array;
}

/** px; fine enough that a shift by 8 px is a shift by one cell, coarse enough that the mean of a cell forgets noise and blur. */
export const cellSize = 8;

/** Cells at the right and bottom border are as small as what is left. */
export function reduceToCells(image: Image): Cells {
  const { width, height, channels, pixels } = image;
  const columns = Math.ceil(width / cellSize);
  const rows = Math.ceil(height / cellSize);
  const scale = 255 / peakOf(image);
  const means = new Float32Array(columns * rows * channels);
  for (let row = 0; row < rows; row++) {
    const tall = Math.min(cellSize, height - row * cellSize);
    const start = row * columns * channels;
    for (let y = row * cellSize; y < row * cellSize + tall; y++) {
      let from = y * width * channels;
      for (let x = 0; x < width; x++) {
        const to = start + Math.floor(x / cellSize) * channels;
        for (let channel = 0; channel < channels; channel++) {
          means[to + channel] = (means[to + channel] ?? 0) + (pixels[from++] ?? 0);
        }
      }
    }
    for (let column = 0; column < columns; column++) {
      const wide = Math.min(cellSize, width - column * cellSize);
      for (let channel = 0; channel < channels; channel++) {
        const at = start + column * channels + channel;
        means[at] = ((means[at] ?? 0) * scale) / (wide * tall);
      }
    }
  }
  return { columns, rows, channels, means };
}
