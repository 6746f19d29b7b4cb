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
  for (let y = 0; y < height; y++) {
    const tall = Math.min(cellSize, height - (y - (y % cellSize)));
    let to = Math.floor(y / cellSize) * columns * channels;
    for (let x = 0; x < width; x += cellSize) {
      const wide = Math.min(cellSize, width - x);
      const from = (y * width + x) * channels;
      for (let channel = 0; channel < channels; channel++, to++) {
        let sum = 0;
        for (let at = from + channel; at < from + wide * channels; at += channels) sum += pixels[at] ?? 0;
        means[to] = (means[to] ?? 0) + (sum * scale) / (wide * tall);
      }
    }
  }
  return { columns, rows, channels, means };
}
