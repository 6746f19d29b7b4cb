import { setTimeout as pause } from 'node:timers/promises';
import { GetQueueAttributesCommand } from '@aws-sdk/client-sqs';
import { versionsOf } from './bucket-contents.ts';
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

/** ms without a change after which it is worth reading everything. */
const still = 3000;

export interface Waiting {
  /** Looks at the uploads below this alone, after the prefix. */
  only?: string;
  /** ms without a change after which nothing more is expected. */
  patience?: number;
}

/** Waits until the promises hold, or until nothing changes any more: then they are broken, and the report says where. */
export async function untilSettled(
  pipeline: Pipeline,
  originals?: Originals,
  { only, patience = 30_000 }: Waiting = {},
): Promise<CheckReport> {
  let report: CheckReport | undefined;
  let last = '';
  let since = Date.now();
  for (;;) {
    await untilQuiet(pipeline);
    const now = await listed(pipeline);
    if (now !== last) [last, since, report] = [now, Date.now(), undefined];
    const unchanged = Date.now() - since;
    if (unchanged > still) report ??= await checkPromises({ ...pipeline.buckets, only }, originals);
    if (report && (report.breaches.length === 0 || unchanged > patience)) return report;
    await pause(1000);
  }
}

/** Everything that records and results are made of, by name and version: cheaper than to read them. */
async function listed({ buckets: { client, results } }: Pipeline): Promise<string> {
  const prefixes = ['records/', 'results/', 'rows/'];
  const found = await Promise.all(prefixes.map((prefix) => versionsOf(client, results, prefix)));
  return JSON.stringify(found.map((objects) => [...objects]));
}
