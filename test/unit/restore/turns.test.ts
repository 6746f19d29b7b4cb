import { describe, expect, it } from 'vitest';
import { takeTurns } from '../../../functions/restore/turns.ts';

/** How many pictures of each size are decoded together, when as many as possible are. */
async function together(sizes: number[]): Promise<number[]> {
  const turns = takeTurns();
  let now = 0;
  const seen: number[] = [];
  const work = sizes.map((pixels) =>
    turns.withPixels(pixels, async () => {
      now++;
      await new Promise((resolve) => setTimeout(resolve, 10));
      seen.push(now);
      now--;
    }),
  );
  await Promise.all(work);
  return seen;
}

describe('turns', () => {
  it('are taken together by pictures that fit the budget, and alone by one above it', async () => {
    expect(Math.max(...(await together([12_000_000, 12_000_000, 8_000_000])))).toBe(3);
    expect(Math.max(...(await together([20_000_000, 20_000_000])))).toBe(1);
    expect(await together([100_000_000, 1, 100_000_000])).toEqual([1, 1, 1]);
  });

  it('cost next to nothing: a thousand take seconds, where a permit a pixel took minutes', async () => {
    const turns = takeTurns();
    const started = performance.now();
    for (let picture = 0; picture < 1000; picture++) {
      await Promise.all([turns.withPixels(2000, async () => {}), turns.withPixels(3000, async () => {})]);
    }
    expect(performance.now() - started).toBeLessThan(10_000);
  });
});
