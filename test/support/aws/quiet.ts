import { setTimeout as pause } from 'node:timers/promises';
import { GetQueueAttributesCommand } from '@aws-sdk/client-sqs';
import { type CheckReport, checkPromises, type Originals } from './checker.ts';
import type { Pipeline } from './pipeline.ts';

/** A queue may look empty between two of its messages: it has to look so this often in a row. */
const quietLooks = 3;

/** Resolves when no event waits to be dispatched and no job runs; what their failures set off may still be at work. */
export async function untilQuiet({ sqs, outputs, jobs, stateChanges }: Pipeline): Promise<void> {
  const QueueUrl = outputs.Queue;
  for (let looks = 0; looks < quietLooks; looks++) {
    await pause(500);
    await jobs.idle();
    const AttributeNames = ['All' as const];
    const { Attributes = {} } = await sqs.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames }));
    const waiting =
      Number(Attributes.ApproximateNumberOfMessages) + Number(Attributes.ApproximateNumberOfMessagesNotVisible);
    if (waiting > 0) looks = -1;
  }
  await stateChanges.settled();
}

/**
 * Waits until the promises hold, or until nothing changes any more: then they are broken, and the report says where.
 * @param patience ms without a change after which nothing more is expected
 */
export async function untilSettled(pipeline: Pipeline, originals?: Originals, patience = 30_000): Promise<CheckReport> {
  let last = '';
  let since = Date.now();
  for (;;) {
    await untilQuiet(pipeline);
    const report = await checkPromises(pipeline.buckets, originals);
    if (report.breaches.length === 0) return report;
    const now = JSON.stringify(report);
    if (now !== last) [last, since] = [now, Date.now()];
    if (Date.now() - since > patience) return report;
    await pause(1000);
  }
}
