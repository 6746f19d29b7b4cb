import { z } from 'zod';
import { acceptEvent } from '../../dispatch/dispatch.ts';
import type { KeyLayout } from '../../lib/contracts/keys.ts';
import type { DeadLetterQueue, HeldLetter } from './dead-letter-queue.ts';

/** What a dead letter is about, in a word and in a sentence. */
export interface Reading {
  queue: string;
  kind: 'upload' | 'ignorable' | 'failed-job' | 'unreadable';
  key?: string;
  sentAt: string;
  message: string;
}

export interface RedriveReport {
  moved: number;
  deleted: number;
  left: number;
}

export interface Redrive {
  queues: DeadLetterQueue[];
  /** Puts a letter back to where uploads are dispatched from; left out in a dry run. */
  send?: ((body: string) => Promise<void>) | undefined;
  /** Deletes letters that tell of no upload, instead of leaving them where they are. */
  deleteOthers: boolean;
  layout: KeyLayout;
  signal: AbortSignal;
  onLetter: (reading: Reading) => void;
}

/**
 * Reads every dead letter, says what it is about, and moves those that tell of an upload back. A letter is deleted only
 * after it was sent, so one may be sent twice and none is lost: dispatch takes duplicates.
 */
export async function redrive(options: Redrive): Promise<RedriveReport> {
  const report: RedriveReport = { moved: 0, deleted: 0, left: 0 };
  for (const queue of options.queues) await redriveQueue(queue, options, report);
  return report;
}

async function redriveQueue(queue: DeadLetterQueue, options: Redrive, report: RedriveReport): Promise<void> {
  const held = new Set<HeldLetter>();
  try {
    while (!options.signal.aborted) {
      const letters = await queue.hold();
      if (letters.length === 0) return;
      for (const letter of letters) held.add(letter);
      const done: HeldLetter[] = [];
      for (const letter of letters) if (await settle(letter)) done.push(letter);
      await queue.remove(done);
      for (const letter of done) held.delete(letter);
    }
  } finally {
    report.left += held.size;
    // Visible again at once, for the alarm and for the next who looks; SQS takes ten at a time.
    const staying = [...held];
    for (let from = 0; from < staying.length; from += 10) await queue.giveBack(staying.slice(from, from + 10));
  }

  /** Whether the letter may be removed from its queue. */
  async function settle(letter: HeldLetter): Promise<boolean> {
    const reading = readLetter(letter, queue.url, options.layout);
    options.onLetter(reading);
    if (!options.send) return false;
    if (reading.kind === 'upload') {
      await options.send(letter.body);
      report.moved += 1;
      return true;
    }
    if (options.deleteOthers) report.deleted += 1;
    return options.deleteOthers;
  }
}

export function readLetter(letter: HeldLetter, queue: string, layout: KeyLayout): Reading {
  const { sentAt, reason } = letter;
  const why = reason ? `: ${reason}` : '';
  let event: unknown;
  try {
    event = JSON.parse(letter.body);
  } catch {
    return { queue, kind: 'unreadable', sentAt, message: `no JSON: ${letter.body.slice(0, 100)}` };
  }
  const job = FailedJob.safeParse(event);
  if (job.success) {
    const { jobId, parameters } = job.data.detail;
    const message = `job ${jobId} failed for good over ${parameters.manifest}: the daily sweep settles what it left open${why}`;
    return { queue, kind: 'failed-job', sentAt, message };
  }
  const accepted = acceptEvent(event, layout);
  if (!accepted) return { queue, kind: 'unreadable', sentAt, message: `no object-created event of S3${why}` };
  const { key } = accepted;
  if ('reason' in accepted) return { queue, kind: 'ignorable', key, sentAt, message: accepted.reason };
  const message = reason ?? 'dispatch failed on it until the queue gave up: its log of that time says why';
  return { queue, kind: 'upload', key, sentAt, message };
}

const BatchEvent = z.looseObject({
  'detail-type': z.literal('Batch Job State Change'),
  detail: z.looseObject({ jobId: z.string(), parameters: z.looseObject({ manifest: z.string() }) }),
});

/** What settle did not take; Lambda wraps what it gave up on. */
const FailedJob = z.union([
  BatchEvent,
  z.looseObject({ requestPayload: BatchEvent }).transform((one) => one.requestPayload),
]);
