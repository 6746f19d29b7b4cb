import { describe, expect, onTestFinished, test } from 'vitest';
import { Score } from '../../../../functions/lib/contracts/record.ts';
import { openSession, type Session } from '../../../../functions/lib/inference/session.ts';
import { assess, scoresOf } from '../../../../functions/lib/quality/assessment.ts';
import { draw, noisy, photoLike, with16Bit } from '../../../support/generated-pictures.ts';
import { fixtureModel } from '../../../support/model-cards.ts';

/** Its score is the mean brightness of a crop, its weight the red of the crop's first pixel. */
async function judge(): Promise<Session> {
  const session = await openSession(fixtureModel('judge'), { device: 'cpu', threads: 1 });
  onTestFinished(() => session.close());
  return session;
}

describe('assess', () => {
  test('gives the learned score with its model, then the classic measures, each with range and direction', async () => {
    const { scores, learned, seconds } = await assess(photoLike(128, 96), await judge());
    expect(scores.map(({ metric }) => metric)).toEqual(['brightness', 'sharpness', 'noise', 'blockiness', 'clipping']);
    expect(scores[0]).toBe(learned);
    expect(learned).toMatchObject({
      range: [0, 1],
      direction: 'higher-is-better',
      model: { id: 'judge', version: '1' },
    });
    expect(scores.slice(1).every(({ model }) => model === undefined)).toBe(true);
    expect(seconds).toBeGreaterThan(0);
  });

  test('pools crops by their weights', async () => {
    // Two crops side by side: 0.2 with weight 0.2, 0.8 with weight 0.8.
    const halves = draw(512, 256, 3, (x) => (x < 256 ? 51 : 204));
    const { learned } = await assess(halves, await judge());
    expect(learned.value).toBeCloseTo((0.2 * 0.2 + 0.8 * 0.8) / (0.2 + 0.8), 4);
  });

  test('shows gray and 16 bit to the model as they are', async () => {
    const session = await judge();
    const gray = draw(64, 64, 1, () => 100);
    expect((await assess(gray, session)).learned.value).toBeCloseTo(100 / 255, 5);
    expect((await assess(with16Bit(gray), session)).learned.value).toBeCloseTo(100.5 / 255.99, 2);
  });

  test('repeats the edge of pictures smaller than the model takes', async () => {
    const dot = draw(1, 1, 3, () => 51);
    expect((await assess(dot, await judge())).learned.value).toBeCloseTo(0.2, 5);
  });

  test('gives the same numbers every time', async () => {
    const session = await judge();
    const picture = photoLike(300, 200);
    expect((await assess(picture, session)).scores).toEqual((await assess(picture, session)).scores);
  });

  test('a picture whose crops all have no weight scores 0', async () => {
    expect(
      (
        await assess(
          draw(64, 64, 3, () => 0),
          await judge(),
        )
      ).learned.value,
    ).toBe(0);
  });

  test('ends where the signal is raised', async () => {
    const act = assess(photoLike(64, 64), await judge(), AbortSignal.abort());
    await expect(act).rejects.toMatchObject({ code: 'interrupted' });
  });
});

describe('scoresOf', () => {
  test('pairs before and after as the record wants them', async () => {
    const session = await judge();
    const clean = photoLike(128, 128);
    const before = await assess(noisy(clean, 20), session);
    const after = await assess(clean, session);
    const scores = scoresOf(before, after);
    expect(Score.array().parse(scores)).toEqual(scores);
    expect(scores.map(({ metric }) => metric)).toEqual(before.scores.map(({ metric }) => metric));
    const noise = scores.find(({ metric }) => metric === 'noise');
    expect(noise?.before).toBeGreaterThan(noise?.after ?? 100);
  });

  test('leaves after out where nothing was restored', async () => {
    const scores = scoresOf(await assess(photoLike(64, 64), await judge()));
    expect(scores.every((score) => !('after' in score))).toBe(true);
  });
});
