import { RestorationError } from '../lib/contracts/errors.ts';
import type { ModelCard } from '../lib/contracts/model-card.ts';
import type { Settings } from '../lib/contracts/settings.ts';
import { largestChange } from '../lib/quality/hold-back.ts';

/** What will be done with a picture, once it was assessed. */
export interface Plan {
  restore: boolean;
  /** Model inputs; left out where the model does not take them. */
  score?: number;
  fidelity?: number;
  /** Levels of 255, see quality/hold-back.ts; left out where any change is welcome. */
  largestChange?: number;
}

/**
 * Checks a request against the model that shall fulfil it, before the first picture.
 * @throws RestorationError `invalid-configuration` where the model lacks an input that the request sets
 */
export function checkRequest(settings: Settings, card: ModelCard): void {
  for (const input of ['score', 'fidelity'] as const) {
    if (settings[input] !== undefined && !takes(card, input)) {
      throw new RestorationError(
        'invalid-configuration',
        `Expected a model with the input ${input}, but ${card.id} has none. Leave --${input} out, or choose another model (iqpir models list).`,
      );
    }
  }
}

/**
 * @param quality the picture's learned score, on the scale of the card's decision
 */
export function planRestoration(settings: Settings, card: ModelCard, quality: number): Plan {
  const good = card.decision !== undefined && quality >= card.decision.good;
  const limit = settings.deliver === 'better' ? card.decision?.largestChange : undefined;
  return {
    restore: settings.deliver === 'always' || !good,
    score: takes(card, 'score') ? (settings.score ?? card.defaults.score) : undefined,
    fidelity: takes(card, 'fidelity') ? (settings.fidelity ?? card.defaults.fidelity) : undefined,
    ...(limit && { largestChange: largestChange(limit, quality) }),
  };
}

function takes(card: ModelCard, role: 'score' | 'fidelity'): boolean {
  return card.inputs.some((input) => input.role === role);
}
