import type { RestorationError } from '../lib/contracts/errors.ts';

/**
 * What Batch can tell from the container's end: done, with a record for every picture of the share; a fault of the
 * configuration, which trying again would meet again; work that another attempt may finish, the only one that is retried.
 */
export const exitCodes = { done: 0, configuration: 2, tryAgain: 75 } as const;
export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

/** For what stopped the job itself: there is nobody's picture to blame. */
export function exitCodeOf({ fault }: RestorationError): ExitCode {
  return fault === 'transient' ? exitCodes.tryAgain : exitCodes.configuration;
}
