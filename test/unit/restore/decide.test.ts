import { describe, expect, it } from 'vitest';
import { Settings } from '../../../functions/lib/contracts/settings.ts';
import type { Image } from '../../../functions/lib/imaging/image.ts';
import { type Assessment, measure } from '../../../functions/lib/quality/assessment.ts';
import { decide } from '../../../functions/restore/decide.ts';
import { photoLike, random } from '../../support/generated-pictures.ts';
import { fixtureModel } from '../../support/model-cards.ts';

const { card } = fixtureModel('local', { decision: { assess: 'judge', good: 0.8, margin: 0.05 } });
const better = Settings.parse({});
const always = Settings.parse({ deliver: 'always' });
const picture = photoLike(256, 192);

function assessed(image: Image, value: number): Assessment {
  const learned = { metric: 'm', model: { id: 'judge', version: '1', sha256: 'a'.repeat(64) }, value };
  const score = { ...learned, range: [0, 1] as [number, number], direction: 'higher-is-better' as const };
  return { learned: score, scores: [score, ...measure(image)], seconds: 0 };
}

function candidate(image: Image, value: number, nonFinite = 0) {
  return { image, tiles: 1, seconds: 0, nonFinite, changeKept: 1, assessment: assessed(image, value) };
}

const mapped = (change: (value: number, at: number) => number): Image => ({
  ...picture,
  pixels: Uint8Array.from(picture.pixels, change),
});
const before = assessed(picture, 0.4);

describe('decide', () => {
  it('delivers what is better by the margin, and only that', () => {
    expect(decide(better, card, picture, before, candidate(picture, 0.46))).toMatchObject({
      delivered: 'restored',
      reason: 'better',
    });
    expect(decide(better, card, picture, before, candidate(picture, 0.44))).toMatchObject({
      delivered: 'original',
      reason: 'not-better',
    });
  });

  it('delivers what fell by less than a margin below zero, and only that', () => {
    const { card } = fixtureModel('local', { decision: { assess: 'judge', good: 0.8, margin: -0.05 } });
    expect(decide(better, card, picture, before, candidate(picture, 0.36))).toMatchObject({
      delivered: 'restored',
      reason: 'not-worse',
      message: 'The score went from 0.400 to 0.360; a fall by up to 0.05 was allowed.',
    });
    expect(decide(better, card, picture, before, candidate(picture, 0.34))).toMatchObject({
      delivered: 'original',
      reason: 'not-better',
    });
  });

  it('says how much of the change was kept, delivered or not, where some was held back', () => {
    for (const value of [0.46, 0.44]) {
      const decided = decide(better, card, picture, before, { ...candidate(picture, value), changeKept: 0.614 });
      expect(decided).toMatchObject({ changeKept: 0.614, message: expect.stringContaining('61 %') });
    }
    const next = random(5);
    const noisy = mapped((value) => Math.min(255, Math.max(0, value + 60 * (next() - 0.5))));
    const collapsed = decide(better, card, picture, before, { ...candidate(noisy, 0.9), changeKept: 0.614 });
    expect(collapsed).toMatchObject({ reason: 'measures-collapsed', changeKept: 0.614 });
    expect(decide(better, card, picture, before, candidate(picture, 0.46))).not.toHaveProperty('changeKept');
  });

  it('says so where nothing was restored because the picture is good', () => {
    expect(decide(better, card, picture, assessed(picture, 0.9), undefined)).toMatchObject({
      delivered: 'original',
      reason: 'already-good',
    });
  });

  it('keeps the original where a guard trips, however high the score', () => {
    const swapped = mapped((_, at) => picture.pixels[at - (at % 3) + ((at + 1) % 3)] ?? 0);
    const greyed = mapped((value) => 255 - value);
    expect(decide(better, card, picture, before, candidate(swapped, 1)).delivered).toBe('original');
    expect(decide(better, card, picture, before, candidate(greyed, 1)).delivered).toBe('original');
  });

  it('never delivers a blank or broken picture, even where results are always delivered', () => {
    const black = mapped(() => 0);
    expect(decide(always, card, picture, before, candidate(black, 1))).toMatchObject({
      delivered: 'original',
      reason: 'blank',
    });
    expect(decide(always, card, picture, before, candidate(picture, 1, 3))).toMatchObject({
      delivered: 'original',
      reason: 'blank',
    });
  });

  it('delivers a result that is not better where asked to', () => {
    expect(decide(always, card, picture, before, candidate(picture, 0.1))).toMatchObject({
      delivered: 'restored',
      reason: 'always',
    });
  });
});
