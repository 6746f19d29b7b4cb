import type { ModelCard } from '../lib/contracts/model-card.ts';
import type { Decision } from '../lib/contracts/record.ts';
import type { Settings } from '../lib/contracts/settings.ts';
import type { Image } from '../lib/imaging/image.ts';
import type { Restored } from '../lib/inference/run-model.ts';
import type { Assessment } from '../lib/quality/assessment.ts';
import { collapsed, findBlank, findHarm } from '../lib/quality/guards.ts';
import { decisionOf } from './engine.ts';

/** A candidate and what was found of it. */
export interface Candidate extends Restored {
  /** Share of the model's change that was not held back, 0 to 1. */
  changeKept: number;
  assessment: Assessment;
}

/**
 * Do no harm: the candidate is delivered only where the learned score rose by the card's margin (below zero: fell by no more,
 * for a score whose own error is no smaller), the classic measures did not collapse and no guard tripped. `deliver: always`
 * asks for no gain, but never takes a blank or broken picture.
 */
export function decide(
  settings: Settings,
  card: ModelCard,
  original: Image,
  before: Assessment,
  candidate: Candidate | undefined,
): Decision {
  const decision = judge(settings, card, original, before, candidate);
  const changeKept = candidate?.changeKept ?? 1;
  if (changeKept === 1) return decision;
  const held = `Of the change ${Math.floor(100 * changeKept)} % was kept: a picture of that score is not damaged enough for more.`;
  return { ...decision, message: `${decision.message} ${held}`, changeKept };
}

function judge(
  settings: Settings,
  card: ModelCard,
  original: Image,
  before: Assessment,
  candidate: Candidate | undefined,
): Decision {
  const { good, margin } = decisionOf(card);
  const was = before.learned.value.toFixed(3);
  if (!candidate) return keep('already-good', `The score is ${was}, at or above ${good}: nothing to restore.`);

  const blank = findBlank(original, candidate);
  if (blank) return keep('blank', blank);
  if (settings.deliver === 'always') return deliver('always', 'Delivered as asked, whatever the score.');

  const harm = findHarm(original, candidate.image);
  if (harm) return keep(harm.guard, harm.message);
  const collapse = collapsed(before, candidate.assessment);
  if (collapse) return keep('measures-collapsed', collapse);

  const is = candidate.assessment.learned.value;
  const gain = is - before.learned.value;
  const asked = margin < 0 ? `a fall by up to ${-margin} was allowed` : `a rise of at least ${margin} was asked for`;
  const change = `The score went from ${was} to ${is.toFixed(3)}; ${asked}.`;
  if (gain < margin) return keep('not-better', change);
  return deliver(gain < 0 ? 'not-worse' : 'better', change);
}

/**
 * Whether a picture is delivered in which only faces were restored, each of them better by the margin of its own model's card.
 * Of the whole no gain is asked, but it must not lose, and no guard may trip.
 * @param faces how many were restored
 */
export function decideFaces(
  card: ModelCard,
  original: Image,
  before: Assessment,
  candidate: Candidate,
  faces: number,
): Decision {
  const blank = findBlank(original, candidate);
  if (blank) return keep('blank', blank);
  const harm = findHarm(original, candidate.image);
  if (harm) return keep(harm.guard, harm.message);
  const collapse = collapsed(before, candidate.assessment);
  if (collapse) return keep('measures-collapsed', collapse);

  const { margin } = decisionOf(card);
  const [was, is] = [before.learned.value, candidate.assessment.learned.value];
  const what = `With ${faces} ${faces === 1 ? 'face' : 'faces'} restored and the rest as it was, the score went from ${was.toFixed(3)} to ${is.toFixed(3)}`;
  const allowed = Math.abs(margin);
  if (was - is > allowed) return keep('not-better', `${what}, a fall by more than ${allowed}.`);
  return deliver('faces-better', `${what}.`);
}

function deliver(reason: Decision['reason'], message: string): Decision {
  return { delivered: 'restored', reason, message };
}

function keep(reason: Decision['reason'], message: string): Decision {
  return { delivered: 'original', reason, message };
}
