import { openQueues } from './dead-letter-queue.ts';
import { findPlaces, misuse, type PlaceOptions } from './places.ts';
import { type Reading, redrive } from './redrive.ts';
import { readStackOutputs } from './stack-outputs.ts';

export interface RedriveOptions extends PlaceOptions {
  /** URLs of the dead-letter queues. */
  from?: string[] | undefined;
  /** URL of the queue that dispatch reads. */
  to?: string | undefined;
  deleteOthers: boolean;
  dryRun: boolean;
  json: boolean;
  signal: AbortSignal;
}

export async function redriveCommand(options: RedriveOptions): Promise<void> {
  const { json, dryRun, signal } = options;
  const { layout, outputs } = await findPlaces(options, readStackOutputs);
  const from =
    options.from ?? (outputs && [outputs.PoisonQueue, outputs.UndeliveredQueue, outputs.UndeliveredFailuresQueue]);
  const to = options.to ?? outputs?.Queue;
  if (!from?.length)
    throw misuse("Expected --from URL of a dead-letter queue, or --stack NAME to read the pipeline's.");
  if (!to && !dryRun)
    throw misuse("Expected --to URL of dispatch's queue, or --stack NAME, or --dry-run to only look.");

  const queues = openQueues();
  const report = await redrive({
    queues: from.map(queues.deadLetters),
    send: dryRun || !to ? undefined : (body) => queues.send(to, body),
    deleteOthers: options.deleteOthers,
    layout,
    signal,
    onLetter: (reading) => process.stdout.write(`${json ? JSON.stringify(reading) : inWords(reading)}\n`),
  });
  const { moved, deleted, left } = report;
  if (json) process.stdout.write(`${JSON.stringify({ summary: { ...report, dryRun } })}\n`);
  else if (moved + deleted + left === 0) process.stdout.write('No dead letters.\n');
  else if (dryRun) process.stdout.write(`${left} dead letters, all left where they are.\n`);
  else
    process.stdout.write(`${moved} moved back, ${deleted} deleted, ${left} left. Watch them: iqpir aws status KEY\n`);
}

function inWords({ kind, key, sentAt, message }: Reading): string {
  return `${sentAt}  ${key ?? '(no key)'}  ${kind === 'upload' ? '' : `[${kind}] `}${message}`;
}
