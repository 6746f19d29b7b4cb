import type { Region } from './regions.ts';

/** px; the length of the blur that the picture is compared with, as the paper has it. */
const taps = 9;

/**
 * How much a picture would lose by being blurred: 0 where it is blurred already (or flat), towards 1 where it is sharp.
 * One minus the perceptual blur metric of Crete, Dolmiere, Ladret and Nicolas, "The Blur Effect", SPIE 6492, 2007: the share
 * of neighbour differences that a 9 px box blur takes away, the blurrier direction deciding. Noise counts as sharpness;
 * read it beside `noise`.
 */
export function sharpness(regions: Region[]): number {
  const across = blurLoss(regions, (region) => ({
    step: 1,
    lines: region.height,
    jump: region.width,
    length: region.width,
  }));
  const down = blurLoss(regions, (region) => ({
    step: region.width,
    lines: region.width,
    jump: 1,
    length: region.height,
  }));
  return Math.min(across, down);
}

interface Scan {
  step: number;
  lines: number;
  jump: number;
  length: number;
}

/** Differences lost to the blur over differences there were; lines shorter than the blur say nothing. */
function blurLoss(regions: Region[], scanOf: (region: Region) => Scan): number {
  let lost = 0;
  let all = 0;
  for (const region of regions) {
    const { luma } = region;
    const { step, lines, jump, length } = scanOf(region);
    for (let line = 0; line < lines; line++) {
      const start = line * jump;
      for (let i = taps; i < length; i++) {
        const at = start + i * step;
        const centre = at - step * ((taps - 1) / 2);
        const here = Math.abs((luma[centre] ?? 0) - (luma[centre - step] ?? 0));
        // The box around the centre and the one before it differ by the sample that enters and the one that leaves.
        const blurred = Math.abs((luma[at] ?? 0) - (luma[at - taps * step] ?? 0)) / taps;
        lost += Math.max(0, here - blurred);
        all += here;
      }
    }
  }
  return all === 0 ? 0 : lost / all;
}
