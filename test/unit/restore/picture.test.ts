import { describe, expect, it } from 'vitest';
import { Settings } from '../../../functions/lib/contracts/settings.ts';
import type { Image } from '../../../functions/lib/imaging/image.ts';
import { type Assessment, measure } from '../../../functions/lib/quality/assessment.ts';
import type { Engine } from '../../../functions/restore/engine.ts';
import { restorePicture } from '../../../functions/restore/picture.ts';
import { stopwatch } from '../../../functions/restore/stopwatch.ts';
import { takeTurns } from '../../../functions/restore/turns.ts';
import { draw, photoLike } from '../../support/generated-pictures.ts';
import { fixtureModel } from '../../support/model-cards.ts';

const source = photoLike(128, 96);
const mapped = (change: (value: number, x: number, y: number) => number): Image =>
  draw(128, 96, 3, (x, y, channel) => change(source.pixels[3 * (128 * y + x) + channel] ?? 0, x, y));
const textured = mapped((value, x, y) =>
  value < 40 || value > 215 ? value : value + ((Math.floor(x / 3) + Math.floor(y / 3)) % 2 ? 10 : -10),
);

const largestChange = { scores: [0, 1] as [number, number], levels: [9, 1] as [number, number] };
const { card } = fixtureModel('local', { decision: { assess: 'judge', good: 0.9, margin: 0, largestChange } });

function assessed(image: Image): Assessment {
  const learned = { metric: 'm', model: { id: 'judge', version: '1', sha256: 'a'.repeat(64) }, value: 0.5 };
  const score = { ...learned, range: [0, 1] as [number, number], direction: 'higher-is-better' as const };
  return { learned: score, scores: [score, ...measure(image)], seconds: 0 };
}

/** Judges every picture 0.5, where the card allows a change of 3 levels, and restores each into the one given. */
function restoreInto(made: Image, settings = Settings.parse({})) {
  const image = { ...made, pixels: made.pixels.slice() };
  const engine: Engine = {
    restorer: card,
    device: 'cpu',
    hashes: [],
    models: [],
    assess: async (image) => assessed(image),
    restore: async () => ({ image, tiles: 1, seconds: 0, nonFinite: 0 }),
    close: async () => undefined,
  };
  return restorePicture(source, { settings, engine }, { turns: takeTurns(), watch: stopwatch() });
}

function meanSquare(image?: Image): number {
  if (!image) throw new Error('Expected a picture.');
  return (
    [...image.pixels].reduce((sum, value, at) => sum + (value - (source.pixels[at] ?? 0)) ** 2, 0) / image.pixels.length
  );
}

describe('restorePicture', () => {
  it("holds a result back to the change that the card allows at the picture's score", async () => {
    const { decision, image } = await restoreInto(textured);
    expect(decision.delivered).toBe('restored');
    expect(decision.changeKept).toBeGreaterThan(0.15);
    expect(decision.changeKept).toBeLessThan(0.5);
    expect(Math.sqrt(meanSquare(image))).toBeLessThan(3.1);
  });

  it('delivers all of the change where results are always delivered', async () => {
    const { decision, image } = await restoreInto(textured, Settings.parse({ deliver: 'always' }));
    expect(decision).not.toHaveProperty('changeKept');
    expect(image).toEqual(textured);
  });

  it('does not make a broken result presentable by holding it back', async () => {
    const black = await restoreInto(mapped(() => 0));
    expect(black.decision).toMatchObject({ delivered: 'original', reason: 'blank' });
    const bright = await restoreInto(mapped((value) => value + 60));
    expect(bright.decision).toMatchObject({ delivered: 'original', reason: 'colour-shift' });
  });
});
