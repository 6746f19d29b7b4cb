import { type DispatchContext, dispatch } from '../../dispatch/dispatch.ts';
import type { Upload } from '../../lib/contracts/object-event.ts';
import type { Found, Need } from './find-work.ts';
import type { pace } from './pace.ts';

export interface BackfillReport {
  /** Every upload that was looked at, by what it needs. */
  looked: Record<Need, number>;
  /** Uploads that were handed over, or would have been in a dry run. */
  sent: number;
  /** Of these, bytes. */
  bytes: number;
  /** Manifests put, each with its job. */
  jobs: number;
}

export interface Backfill {
  found: AsyncIterable<Found>;
  /** Which needs are met. */
  needs: ReadonlySet<Need>;
  /** Left out in a dry run: then nothing is written. */
  dispatch?: DispatchContext | undefined;
  waitForTurn: ReturnType<typeof pace>;
  signal: AbortSignal;
  onProgress?: (report: BackfillReport, sent?: { manifestKey: string; uploads: number }) => void;
}

/** Uploads of one manifest: an array job of about twenty children where pictures are small. */
const batchSize = 1000;

/**
 * Turns uploads that need work into manifests and jobs, batch by batch, until the listing ends or the signal stops it.
 * Run again it goes on: what is settled by then is found settled, and what is still queued is skipped by the worker, which
 * looks for the record before it begins.
 */
export async function backfill(options: Backfill): Promise<BackfillReport> {
  const { found, needs, signal, onProgress } = options;
  const report: BackfillReport = {
    looked: { missing: 0, failed: 0, outdated: 0, settled: 0, unreadable: 0 },
    sent: 0,
    bytes: 0,
    jobs: 0,
  };
  let batch: Upload[] = [];
  for await (const { upload, need } of found) {
    if (signal.aborted) break;
    report.looked[need] += 1;
    if (needs.has(need)) batch.push(upload);
    if (batch.length === batchSize) {
      await send(batch);
      batch = [];
    }
    onProgress?.(report);
  }
  // What was collected when the stop came is not sent: the next run finds it again.
  if (batch.length > 0 && !signal.aborted) await send(batch);
  return report;

  async function send(uploads: Upload[]): Promise<void> {
    if (options.dispatch) {
      await options.waitForTurn(uploads.length);
      if (signal.aborted) return;
      const manifestKey = await dispatch(uploads, options.dispatch);
      report.jobs += 1;
      report.sent += uploads.length;
      onProgress?.(report, { manifestKey, uploads: uploads.length });
    } else {
      report.sent += uploads.length;
    }
    report.bytes += uploads.reduce((sum, { size }) => sum + size, 0);
  }
}
