import type { Region } from './regions.ts';

/** px; JPEG codes blocks of 8 x 8. */
const grid = 8;

/** Levels of 255. Kept in the denominator so that a step of less than one level, which nobody sees, is not a grid. */
const visible = 1;

/**
 * How much a grid of 8 px stands out: 0 where no phase of the grid differs from the others, towards 1 where every step of the
 * picture lies on it. After Wang, Sheikh and Bovik, "No-Reference Perceptual Quality Assessment of JPEG Compressed Images",
 * ICIP 2002: steps across block borders against steps inside blocks. A step counts by how much it exceeds its two neighbours,
 * and the strongest of the eight phases is taken for the border, so that cropped pictures are seen as well.
 */
export function blockiness(regions: Region[]): number {
  return (alongAxis(regions, true) + alongAxis(regions, false)) / 2;
}

function alongAxis(regions: Region[], across: boolean): number {
  const sums = new Float64Array(grid);
  const counts = new Float64Array(grid);
  for (const { luma, width, height } of regions) {
    const step = across ? 1 : width;
    const jump = across ? width : 1;
    const lines = across ? height : width;
    const length = across ? width : height;
    for (let line = 0; line < lines; line++) {
      const start = line * jump;
      for (let i = 1; i + 2 < length; i++) {
        const at = start + i * step;
        const before = (luma[at - step] ?? 0) - (luma[at] ?? 0);
        const here = (luma[at] ?? 0) - (luma[at + step] ?? 0);
        const after = (luma[at + step] ?? 0) - (luma[at + 2 * step] ?? 0);
        const phase = i % grid;
        sums[phase] = (sums[phase] ?? 0) + Math.abs(here - (before + after) / 2);
        counts[phase] = (counts[phase] ?? 0) + 1;
      }
    }
  }
  if (counts.some((count) => count === 0)) return 0;
  const steps = [...sums].map((sum, phase) => sum / (counts[phase] ?? 1)).sort((a, b) => a - b);
  const border = steps[grid - 1] ?? 0;
  // The border raises its two neighbours as well; the median of the eight is inside the blocks.
  const inside = ((steps[3] ?? 0) + (steps[4] ?? 0)) / 2;
  return (border - inside) / (border + inside + visible);
}
