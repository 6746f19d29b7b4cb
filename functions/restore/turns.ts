import { Mutex, Semaphore } from 'async-mutex';

/** Pixels that may be decoded at a time: one 32 MP photograph, or several smaller ones, beside the one at work. */
const pixelBudget = 32_000_000;

/**
 * Whose turn it is. Pictures are decoded ahead and encoded behind while one is in the network, as far as the pixel
 * budget reaches; a picture above the budget has the memory to itself.
 */
export interface Turns {
  withPixels<T>(pixels: number, work: () => Promise<T>): Promise<T>;
  /** One picture at a time is in the network. */
  alone<T>(work: () => Promise<T>): Promise<T>;
}

export function takeTurns(): Turns {
  const memory = new Semaphore(pixelBudget);
  const network = new Mutex();
  return {
    withPixels: (pixels, work) => memory.runExclusive(work, Math.min(pixels, pixelBudget)),
    alone: (work) => network.runExclusive(work),
  };
}
