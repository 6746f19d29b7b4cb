import type { Score } from '../contracts/record.ts';
import type { Image } from '../imaging/image.ts';
import type { Session } from '../inference/session.ts';
import { blockiness } from './blockiness.ts';
import { clipping } from './clipping.ts';
import { learnedScore } from './learned-score.ts';
import { noise } from './noise.ts';
import { type Region, sampleRegions } from './regions.ts';
import { sharpness } from './sharpness.ts';

/** One measure of one picture: a score of the record before it has a pair. */
export type Measurement = Omit<Score, 'before' | 'after'> & { value: number };

export interface Assessment {
  /** The learned score first, then the classic measures. */
  scores: Measurement[];
  learned: Measurement;
  /** Inside the model alone. */
  seconds: number;
}

const classicMeasures = {
  sharpness: { measure: sharpness, range: [0, 1], direction: 'higher-is-better' },
  noise: { measure: noise, range: [0, 255], direction: 'lower-is-better' },
  blockiness: { measure: blockiness, range: [0, 1], direction: 'lower-is-better' },
  clipping: { measure: clipping, range: [0, 1], direction: 'lower-is-better' },
} as const satisfies Record<string, Pick<Score, 'range' | 'direction'> & { measure(regions: Region[]): number }>;

export type ClassicMetric = keyof typeof classicMeasures;

/**
 * Quality of a picture: a learned score and classic measures, never one number alone.
 * @param session of a model with task `assess`
 * @throws what `learnedScore` throws
 */
export async function assess(image: Image, session: Session, signal?: AbortSignal): Promise<Assessment> {
  const { id, modelVersion, sha256, metric } = session.card;
  // The worker computes meanwhile.
  const learning = learnedScore(image, session, signal);
  const classic = measure(image);
  const { value, seconds } = await learning;
  const learned: Measurement = {
    metric: metric?.name ?? id,
    model: { id, version: modelVersion, sha256 },
    range: metric?.range ?? [0, 1],
    direction: metric?.direction ?? 'higher-is-better',
    value: rounded(value),
  };
  return { scores: [learned, ...classic], learned, seconds };
}

/** The classic measures alone. Time is bounded: a large picture is seen through an even grid of regions. */
export function measure(image: Image): Measurement[] {
  const regions = sampleRegions(image);
  return Object.entries(classicMeasures).map(([metric, { measure, range, direction }]) => ({
    metric,
    range: [...range],
    direction,
    value: rounded(measure(regions)),
  }));
}

/** The record's scores: every measure of the source, with the candidate's beside it where there is one. */
export function scoresOf(before: Assessment, after?: Assessment): Score[] {
  return before.scores.map(({ value, ...facts }) => {
    const pair = after?.scores.find(
      ({ metric, model }) => metric === facts.metric && model?.sha256 === facts.model?.sha256,
    );
    return { ...facts, before: value, ...(pair && { after: pair.value }) };
  });
}

/** Six decimals: below that, values depend on the processor. */
function rounded(value: number): number {
  return Math.round(value * 1e6) / 1e6;
}
