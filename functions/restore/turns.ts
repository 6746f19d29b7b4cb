import { Mutex, Semaphore } from 'async-mutex';

/** Pixels that may be decoded at a time: one 32 MP photograph, or several smaller ones, beside the one at work. */
const pixelBudget = 32_000_000;
/** The semaphore walks over its permits one by one whenever some are given back: 32 million of them took it 0.1 s. */
const pixelsAPermit = 100_000;
const permits = pixelBudget / pixelsAPermit;

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
  const memory = new Semaphore(permits);
  const network = new Mutex();
  return {
    withPixels: (pixels, work) => memory.runExclusive(work, Math.min(Math.ceil(pixels / pixelsAPermit), permits)),
    alone: (work) => network.runExclusive(work),
  };
}
