import type { Timings } from '../lib/contracts/record.ts';

type Stage = 'fetch' | 'decode' | 'assess' | 'restore' | 'faces' | 'encode';

/** Adds up the seconds of each stage of one picture. */
export interface Stopwatch {
  time<T>(stage: Stage, work: () => Promise<T>): Promise<T>;
  /** @param predictTime seconds inside the models */
  timings(predictTime: number): Timings;
}

export function stopwatch(): Stopwatch {
  const start = performance.now();
  // Where no faces are looked for, nothing is said of them.
  const spent: Required<Omit<Record<Stage, number>, 'faces'>> & { faces?: number } = {
    fetch: 0,
    decode: 0,
    assess: 0,
    restore: 0,
    encode: 0,
  };
  return {
    async time(stage, work) {
      const from = performance.now();
      try {
        return await work();
      } finally {
        spent[stage] = (spent[stage] ?? 0) + since(from);
      }
    },
    timings(predictTime) {
      const rounded = Object.fromEntries(Object.entries(spent).map(([stage, s]) => [stage, milli(s)]));
      return { ...(rounded as typeof spent), predictTime: milli(predictTime), totalTime: milli(since(start)) };
    },
  };
}

const since = (from: number) => (performance.now() - from) / 1000;
const milli = (seconds: number) => Math.round(seconds * 1000) / 1000;
