import { describe, expect, it } from 'vitest';
import { drawKeys } from '../../../../functions/local/aws/sample.ts';

async function* keys(count: number) {
  for (let n = 0; n < count; n++) yield { key: `${n}` };
}

describe('drawKeys', () => {
  it('takes all where there are no more than asked for', async () => {
    expect(await drawKeys(keys(3), 5)).toEqual({ keys: ['0', '1', '2'], total: 3 });
  });

  it('draws without repeating, from the end of the listing as well as from its start', async () => {
    const late: number[] = [];
    for (let round = 0; round < 50; round++) {
      const { keys: drawn, total } = await drawKeys(keys(200), 20);
      expect(total).toBe(200);
      expect(new Set(drawn).size).toBe(20);
      late.push(drawn.filter((key) => Number(key) >= 100).length);
    }
    // 10 of 20 expected; the mean of 50 rounds leaves 8 to 12 once in about a hundred million runs.
    const mean = late.reduce((sum, count) => sum + count, 0) / late.length;
    expect(mean).toBeGreaterThan(8);
    expect(mean).toBeLessThan(12);
  });
});
