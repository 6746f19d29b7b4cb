import type { Region } from './regions.ts';

/** px; small enough to find flat places between textures, large enough that a patch's estimate is good to 3 %. */
const patch = 32;

/** Levels of 255, and multiples of the noise found: a patch whose mean lies nearer to black or white than that is clipped. */
const nearEnd = 2;

/** A picture's calmest places show its noise, the rest shows noise and texture. Not the very calmest: those got lucky. */
const calmest = 0.1;

/**
 * Standard deviation of the luma's noise, in levels of 255, 0 where there is none. (Independent noise of the three channels is
 * a third weaker in their luma.)
 * Immerkaer, "Fast Noise Variance Estimation", CVIU 64(2), 1996, on 32 px patches; the tenth percentile of the patches, so that
 * texture does not count as noise. Where every patch is clipped the clipped ones are taken.
 */
export function noise(regions: Region[]): number {
  const open: number[] = [];
  const clipped: number[] = [];
  for (const region of regions) {
    const wide = Math.min(patch, region.width);
    const tall = Math.min(patch, region.height);
    if (wide < 3 || tall < 3) continue;
    for (let y = 0; y + tall <= region.height; y += tall) {
      for (let x = 0; x + wide <= region.width; x += wide) {
        const { sigma, mean } = immerkaer(region, x, y, wide, tall);
        const distance = Math.min(mean, 255 - mean);
        // What is cut off at one end looks like less noise than there is.
        (distance > nearEnd && distance > nearEnd * sigma ? open : clipped).push(sigma);
      }
    }
  }
  const sigmas = (open.length > 0 ? open : clipped).sort((a, b) => a - b);
  return sigmas[Math.floor(calmest * sigmas.length)] ?? 0;
}

function immerkaer({ luma, width }: Region, x: number, y: number, wide: number, tall: number) {
  let sum = 0;
  let total = 0;
  for (let v = y + 1; v < y + tall - 1; v++) {
    for (let u = x + 1; u < x + wide - 1; u++) {
      const at = v * width + u;
      const above = at - width;
      const below = at + width;
      const centre = luma[at] ?? 0;
      const corners = (luma[above - 1] ?? 0) + (luma[above + 1] ?? 0) + (luma[below - 1] ?? 0) + (luma[below + 1] ?? 0);
      const sides = (luma[above] ?? 0) + (luma[below] ?? 0) + (luma[at - 1] ?? 0) + (luma[at + 1] ?? 0);
      sum += Math.abs(corners - 2 * sides + 4 * centre);
      total += centre;
    }
  }
  const count = (wide - 2) * (tall - 2);
  return { sigma: (Math.sqrt(Math.PI / 2) * sum) / (6 * count), mean: total / count };
}
