import { describe, expect, it } from 'vitest';
import { pace } from '../../../../functions/local/aws/pace.ts';

describe('pace', () => {
  it('lets the n-th piece begin no earlier than the rate allows', async () => {
    const start = performance.now();
    const wait = pace(100);
    for (const pieces of [10, 5, 5]) await wait(pieces);
    // The first begins at once, the second after 10 pieces, the third after 15.
    expect(performance.now() - start).toBeGreaterThanOrEqual(150);
  });

  it('waits no longer once it is stopped', async () => {
    const stop = new AbortController();
    const wait = pace(0.001, stop.signal);
    await wait(10);
    setTimeout(() => stop.abort(), 20);
    const start = performance.now();
    await wait(1);
    expect(performance.now() - start).toBeLessThan(5000);
  });
});
