import { setTimeout as pause } from 'node:timers/promises';

/**
 * Keeps work to a rate: the n-th piece begins no earlier than n / rate seconds after the first.
 * @param rate pieces a second
 * @returns to be awaited before the next `pieces`; resolves at once when the signal stops the work
 */
export function pace(rate: number, signal?: AbortSignal): (pieces: number) => Promise<void> {
  const start = performance.now();
  let begun = 0;
  return async (pieces) => {
    const due = start + (begun / rate) * 1000;
    begun += pieces;
    // Again where a timer fired early, as timers do by a millisecond.
    while (performance.now() < due && !signal?.aborted) {
      await pause(Math.ceil(due - performance.now()), undefined, { signal }).catch(() => {});
    }
  };
}
