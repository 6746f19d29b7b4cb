import type { Score } from './record.ts';

/** The learned score, which decides: the one that a model gave. */
export interface DecidingScore {
  metric: string;
  before: number;
  after?: number;
  /** Positive is better, whatever the score's direction. */
  gain?: number;
}

export function decidingScore(assessment: Score[]): DecidingScore | undefined {
  const learned = learnedScore(assessment);
  if (!learned) return undefined;
  const { metric, before, after, direction } = learned;
  if (after === undefined) return { metric, before };
  return { metric, before, after, gain: direction === 'higher-is-better' ? after - before : before - after };
}

/** How good a picture is by its learned score, in thirds of the score's range. */
export function qualityBand({ range: [worst, best], direction }: Score, value: number): 'low' | 'medium' | 'high' {
  const share = (value - worst) / (best - worst);
  const good = direction === 'higher-is-better' ? share : 1 - share;
  return good < 1 / 3 ? 'low' : good < 2 / 3 ? 'medium' : 'high';
}

export function learnedScore(assessment: Score[]): Score | undefined {
  return assessment.find(({ model }) => model !== undefined);
}
