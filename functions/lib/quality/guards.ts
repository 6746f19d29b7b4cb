import { type Image, peakOf } from '../imaging/image.ts';
import type { Assessment, ClassicMetric } from './assessment.ts';
import { reduceToCells } from './cells.ts';
import { colourShift } from './colour-shift.ts';
import { noise } from './noise.ts';
import { sampleRegions } from './regions.ts';
import { compareStructure } from './structure.ts';

/** Levels of 255: a picture that spans less than this is blank, if the one it was made from spans more. */
const blankSpan = 3;
/**
 * Levels of 255, see `colourShift`. Restorations of 1,350 damaged copies of 150 photographs lie up to 10 and 11 from them;
 * swapped channels are 38 and 66 off on a median photograph, contrast half as strong again 23 and 34, a black tile as much as the
 * picture is bright. All figures here are from bench/guards.ts, in models/results/guards.json.
 */
const mostAverageShift = 16;
const mostWorstShift = 32;
/**
 * See `compareStructure`. One of the 1,350 restorations is refused, wrongly; a twentieth has less than 0.96 found again after hard
 * damage. A blur of sigma 10 leaves 0.3 to 0.4 of a median photograph and passes with at most 8 of 150, one of sigma 16 with 2; content
 * moved by 8 px correlates by 0.1 on a median photograph, another's by 0.27 at most.
 */
const leastRetained = 0.6;
const leastCorrelation = 0.6;
/** Levels of 255. Where there is less structure, or less of it than of noise, there is none to judge by. */
const leastStrength = 0.5;

/** A picture with less noise than this (levels of 255) had none to remove: less sharpness is less detail. */
const cleanNoise = 2;
/**
 * Share of the sharpness that must remain where no noise was seen. The 1,350 restorations leave at least 0.37; of a median
 * photograph, a blur of sigma 4 leaves 0.26.
 */
const leastSharpness = 0.33;
/** A grid under this is not seen; above it, it must not become twice as strong. */
const visibleGrid = 0.15;
/** Above this grid (JPEG at quality 50 and below) a picture is not called clean, whatever noise is seen behind the blocks. */
const strongGrid = 0.3;
/** A restoration may add grain (levels of 255), but not make a picture twice as noisy with noise that is seen. */
const visibleNoise = 6;

/**
 * Whether a result is no picture at all: another size or depth, NaN in it, or blank though its source is not. Such a result is
 * never delivered, whatever was asked.
 * @param candidate the result, and for how many samples the model gave NaN or infinity
 * @returns what is wrong, in words with its numbers, or undefined
 */
export function findBlank(source: Image, candidate: { image: Image; nonFinite: number }): string | undefined {
  const { image, nonFinite } = candidate;
  if (sizeOf(image) !== sizeOf(source))
    return `Expected ${sizeOf(source)} as in the source, but the result has ${sizeOf(image)}.`;
  if (nonFinite > 0) return `${nonFinite} samples of the result are not numbers.`;
  const is = spanOf(image);
  if (is >= blankSpan) return undefined;
  const was = spanOf(source);
  return was < blankSpan
    ? undefined
    : `The result spans ${is.toFixed(1)} levels of 255, the source at least ${was.toFixed(1)}.`;
}

export interface Harm {
  guard: 'colour-shift' | 'structure-lost';
  /** In words, with its numbers. */
  message: string;
}

/**
 * Whether a result shows something else than its source: other colours in its low frequencies, or another structure. Both are
 * measured where legitimate restoration changes next to nothing, on the means of 8 px cells.
 * @param image of the source's size, see `findBlank`
 */
export function findHarm(source: Image, image: Image): Harm | undefined {
  const before = reduceToCells(source);
  const after = reduceToCells(image);
  const { average, worst } = colourShift(before, after);
  if (average > mostAverageShift || worst > mostWorstShift) {
    const message = `Low frequencies changed colour by ${average.toFixed(1)} levels of 255 on average (at most ${mostAverageShift}) and ${worst.toFixed(1)} in the worst place (at most ${mostWorstShift}).`;
    return { guard: 'colour-shift', message };
  }
  const structure = compareStructure(before, after, noise(sampleRegions(source)));
  const { retained, correlation, strength } = structure;
  if (strength < Math.max(leastStrength, structure.noise)) return undefined;
  if (retained >= leastRetained && correlation >= leastCorrelation) return undefined;
  const message = `Of the source's structure ${retained.toFixed(2)} was found again (at least ${leastRetained}), correlated by ${correlation.toFixed(2)} (at least ${leastCorrelation}).`;
  return { guard: 'structure-lost', message };
}

/**
 * Whether classic measures say that a restoration did damage, whatever the learned score says.
 * @returns the damage in words, with its numbers, or undefined
 */
export function collapsed(before: Pick<Assessment, 'scores'>, after: Pick<Assessment, 'scores'>): string | undefined {
  const was = (metric: ClassicMetric) => classic(before, metric);
  const is = (metric: ClassicMetric) => classic(after, metric);
  const went = (metric: ClassicMetric, verb: string) =>
    `The ${metric} ${verb} from ${was(metric).toFixed(3)} to ${is(metric).toFixed(3)}.`;
  // The edges of visible blocks count as sharpness, and behind them noise is not seen: there less sharpness says nothing.
  const clean = was('noise') < cleanNoise && was('blockiness') < strongGrid;
  if (clean && is('sharpness') < leastSharpness * was('sharpness')) return went('sharpness', 'fell');
  if (is('blockiness') > visibleGrid && is('blockiness') > 2 * was('blockiness')) return went('blockiness', 'rose');
  // Clipping may rise: noise and JPEG had moved what is white or black. Blown-out highlights are a shift of colours, see `findHarm`.
  if (is('noise') > visibleNoise && is('noise') > 2 * was('noise')) return went('noise', 'rose');
  return undefined;
}

function classic({ scores }: Pick<Assessment, 'scores'>, metric: ClassicMetric): number {
  return scores.find((one) => one.metric === metric && !one.model)?.value ?? 0;
}

/** Levels of 255 between the darkest and the brightest sample; no further than it takes to see that it is not blank. */
function spanOf(image: Image): number {
  const { pixels } = image;
  const scale = 255 / peakOf(image);
  let lowest = pixels[0] ?? 0;
  let highest = lowest;
  for (let at = 0; at < pixels.length && (highest - lowest) * scale < blankSpan; at++) {
    const value = pixels[at] ?? 0;
    if (value < lowest) lowest = value;
    if (value > highest) highest = value;
  }
  return (highest - lowest) * scale;
}

function sizeOf({ width, height, channels, pixels }: Image): string {
  return `${width} x ${height} x ${channels} in ${8 * pixels.BYTES_PER_ELEMENT} bit`;
}
