import type { SubmitJob } from '../lib/cloud/submit-job.ts';

/** Runs one child of a job: the share of that number of the manifest at that key. */
export type RunShare = (manifestKey: string, share: number) => Promise<void>;

/** A job queue on one machine: jobs one after the other, their children too, in this process. */
export interface LocalJobQueue {
  submitJob: SubmitJob;
  /** Resolves when nothing is queued or running; rejects with the first error a job threw. */
  idle(): Promise<void>;
}

export function localJobQueue(runShare: RunShare): LocalJobQueue {
  let tail: Promise<void> = Promise.resolve();
  return {
    async submitJob({ manifestKey, shares }) {
      tail = tail.then(async () => {
        for (let share = 0; share < shares; share++) await runShare(manifestKey, share);
      });
      // The rejection is idle()'s to report; without a handler the process would end here.
      tail.catch(() => {});
    },
    idle: () => tail,
  };
}
