import { describe, expect, it } from 'vitest';
import { Settings } from '../../../functions/lib/contracts/settings.ts';
import { checkRequest, planRestoration } from '../../../functions/restore/plan.ts';
import { fixtureModel } from '../../support/model-cards.ts';

const decision = { assess: 'judge', good: 0.8, margin: 0.05 };
const { card } = fixtureModel('local', { decision });
const plain = fixtureModel('identity', { decision }).card;

describe('planRestoration', () => {
  it('leaves a good picture alone, unless results are always delivered', () => {
    expect(planRestoration(Settings.parse({}), card, 0.8).restore).toBe(false);
    expect(planRestoration(Settings.parse({}), card, 0.79).restore).toBe(true);
    expect(planRestoration(Settings.parse({ deliver: 'always' }), card, 0.8).restore).toBe(true);
  });

  it("asks for what the request says, else for the card's defaults", () => {
    expect(planRestoration(Settings.parse({ score: 0.5 }), card, 0)).toMatchObject({ score: 0.5, fidelity: 1 });
  });

  it('asks nothing of a model that takes no wishes', () => {
    expect(planRestoration(Settings.parse({}), plain, 0)).toMatchObject({ score: undefined, fidelity: undefined });
  });
});

describe('planRestoration of a card that limits the change', () => {
  const largestChange = { scores: [0.2, 0.8] as [number, number], levels: [16, 1] as [number, number] };
  const limited = fixtureModel('local', { decision: { ...decision, largestChange } }).card;

  it('allows the less, the better the picture is: by the same ratio for the same step', () => {
    const allowed = (quality: number) => planRestoration(Settings.parse({}), limited, quality).largestChange;
    expect([allowed(0.2), allowed(0.5), allowed(0.8)]).toEqual([16, expect.closeTo(4), expect.closeTo(1)]);
    expect(allowed(0.05)).toBeCloseTo(32);
  });

  it('allows any change where results are always delivered, or the card sets no limit', () => {
    expect(planRestoration(Settings.parse({ deliver: 'always' }), limited, 0.2)).not.toHaveProperty('largestChange');
    expect(planRestoration(Settings.parse({}), card, 0.2)).not.toHaveProperty('largestChange');
  });
});

describe('checkRequest', () => {
  it('refuses a wish that the model cannot hear', () => {
    expect(() => checkRequest(Settings.parse({ fidelity: 0.5 }), plain)).toThrow(/--fidelity/);
    expect(() => checkRequest(Settings.parse({ fidelity: 0.5 }), card)).not.toThrow();
  });
});
