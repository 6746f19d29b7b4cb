import { SingleBar } from 'cli-progress';
import type { Backfill, BackfillReport } from './backfill.ts';

/**
 * What a backfill is at, on stderr: a line that counts on a terminal, elsewhere a line a job. How many uploads a bucket holds
 * nobody knows before the end, so there is no bar to fill.
 * @param json instead, one JSON object a job on stdout
 */
export function showBackfill(json: boolean): { update: NonNullable<Backfill['onProgress']>; stop: () => void } {
  const counter =
    process.stderr.isTTY && !json
      ? new SingleBar({
          format: '{value} looked at | {sent} sent in {jobs} jobs',
          stream: process.stderr,
          hideCursor: true,
        })
      : undefined;
  counter?.start(1, 0, { sent: 0, jobs: 0 });
  return {
    update(report, sent) {
      counter?.update(lookedAt(report), { sent: report.sent, jobs: report.jobs });
      if (!sent) return;
      if (json) process.stdout.write(`${JSON.stringify(sent)}\n`);
      else if (!counter) process.stderr.write(`${report.sent} sent: ${sent.manifestKey} (${sent.uploads} uploads)\n`);
    },
    stop: () => counter?.stop(),
  };
}

function lookedAt({ looked }: BackfillReport): number {
  return Object.values(looked).reduce((sum, count) => sum + count, 0);
}
