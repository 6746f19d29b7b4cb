import { type EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import type { Job } from './job.ts';

export interface StateChanges {
  emit(job: Job): void;
  /** Resolves when all that was emitted has been taken; rejects where some was not. */
  settled(): Promise<void>;
}

/**
 * Batch Job State Change events on the default bus, as Batch sends them: at least once, in no order that could be relied on.
 * @param copies how often the next event is delivered
 * @see https://docs.aws.amazon.com/batch/latest/userguide/batch_job_events.html
 */
export function stateChanges(client: EventBridgeClient, copies: () => number): StateChanges {
  let taken: Promise<unknown> = Promise.resolve();
  return {
    emit(job) {
      const entry = {
        Source: 'aws.batch',
        DetailType: 'Batch Job State Change',
        Resources: [job.jobArn],
        Detail: JSON.stringify(job),
      };
      const sent = client.send(new PutEventsCommand({ Entries: Array.from({ length: copies() }, () => entry) }));
      const checked = sent.then(({ FailedEntryCount, Entries }) => {
        if (FailedEntryCount)
          throw new Error(`Expected the bus to take a state change, it said ${Entries?.[0]?.ErrorMessage}`);
      });
      checked.catch(() => {});
      taken = Promise.all([taken, checked]);
      taken.catch(() => {});
    },
    settled: async () => {
      await taken;
    },
  };
}
