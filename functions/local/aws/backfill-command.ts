import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Table from 'cli-table3';
import { batchQueue } from '../../lib/cloud/batch-queue.ts';
import { Settings } from '../../lib/contracts/settings.ts';
import type { Installation } from '../../lib/installation.ts';
import { openBuckets } from '../../lib/storage/open-buckets.ts';
import type { S3Store } from '../../lib/storage/s3-store.ts';
import { type BackfillReport, backfill } from './backfill.ts';
import { showBackfill } from './backfill-progress.ts';
import { estimate, Timesheet } from './cost.ts';
import { dollars } from './cost-command.ts';
import { findWork, type Need } from './find-work.ts';
import { pace } from './pace.ts';
import { belowPrefix, findPlaces, misuse, type PlaceOptions, required } from './places.ts';
import { readPrices } from './prices.ts';
import { readStackOutputs } from './stack-outputs.ts';

export interface BackfillOptions extends PlaceOptions {
  prefix?: string | undefined;
  since?: string | undefined;
  outdated: boolean;
  failed: boolean;
  settings?: string | undefined;
  prices?: string | undefined;
  rate: number;
  dryRun: boolean;
  json: boolean;
  installation: Installation;
  signal: AbortSignal;
}

export async function backfillCommand(options: BackfillOptions): Promise<void> {
  const { installation, signal, json } = options;
  const places = await findPlaces(options, readStackOutputs);
  const { layout } = places;
  const names = { uploads: required(places, 'bucket'), results: required(places, 'results') };
  const prices = await readPrices(installation, options.prices);
  const settings = settingsFrom(options.settings ?? places.outputs?.Settings ?? '{}');
  const { uploads, results } = openBuckets(names);
  const jobs = options.dryRun
    ? undefined
    : { jobQueue: required(places, 'queue'), jobDefinition: required(places, 'jobDefinition'), bucket: names.results };
  const below = belowPrefix(layout, options.prefix);
  const timesheet = new Timesheet();
  const progress = showBackfill(json);
  const report = await backfill({
    found: findWork({
      uploads: uploads.listVersions(`${layout.uploads}${below}`),
      bucket: names.uploads,
      results,
      layout,
      below,
      since: options.since,
      settingsHashOf: options.outdated
        ? await todaysHash(
            settings,
            uploads,
            places.outputs?.UserModels === 'false' ? undefined : results,
            installation,
          )
        : undefined,
      onRecord: (record) => timesheet.add(record),
    }),
    needs: new Set<Need>([
      'missing',
      ...(options.failed ? (['failed'] as const) : []),
      ...(options.outdated ? (['outdated'] as const) : []),
    ]),
    dispatch: jobs && {
      settings,
      overwrite: options.outdated ? 'outdated' : false,
      createdAt: new Date().toISOString(),
      store: results,
      layout,
      submitJob: batchQueue(jobs),
    },
    waitForTurn: pace(options.rate, signal),
    signal,
    onProgress: progress.update,
  });
  progress.stop();

  const [measured] = timesheet.measured;
  const cost = measured && estimate(report.bytes, measured, prices);
  if (json) {
    const estimated = cost && { ...cost, currency: prices.currency, region: prices.region, date: prices.date };
    process.stdout.write(
      `${JSON.stringify({ summary: { ...report, dryRun: options.dryRun, estimate: estimated } })}\n`,
    );
    return;
  }
  process.stdout.write(`${tableOf(report)}\n${summaryOf(report, options)}\n`);
  if (measured && cost) {
    process.stdout.write(
      `Estimate: ${dollars(cost)} on ${measured.device}, if their seconds a byte are those of the ${measured.images} records that ` +
        `were read here; prices ${prices.kind} for ${prices.region} as of ${prices.date}, see iqpir aws cost.\n`,
    );
  } else if (report.sent > 0) {
    process.stdout.write('No estimate of the cost: no record with timings was read. Restore a few, then ask again.\n');
  }
}

/**
 * Models and what describes them are loaded only where somebody asks what is outdated. They are those of the container: the
 * shipped ones, and where the stack installs them those of the results bucket. This user's own take no part.
 */
async function todaysHash(
  settings: Settings,
  uploads: S3Store,
  results: S3Store | undefined,
  installation: Installation,
) {
  const [{ hashOfToday }, { loadRegistry }, { fetchUserCards }] = await Promise.all([
    import('./todays-hash.ts'),
    import('../../lib/inference/registry.ts'),
    import('../../restore/user-models.ts'),
  ]);
  const folder = await mkdtemp(join(tmpdir(), 'iqpir-'));
  try {
    const users = results ? [await fetchUserCards(results, folder)] : [];
    const registry = await loadRegistry([join(installation.root, 'models', 'registry.json'), ...users]);
    return hashOfToday(settings, uploads, registry);
  } finally {
    await rm(folder, { recursive: true });
  }
}

function tableOf({ looked }: BackfillReport): string {
  const table = new Table({ head: ['uploads', 'count'], style: { head: [], border: [], compact: true } });
  const says: Record<Need, string> = {
    settled: 'settled',
    missing: 'without a record of their current version',
    failed: 'failed, and not because of the picture (--failed)',
    outdated: 'restored by other models or settings (--outdated)',
    unreadable: 'with something at their record that is none: move it away',
  };
  for (const [need, count] of Object.entries(looked)) {
    if (count > 0 || need === 'settled' || need === 'missing') table.push([says[need as Need], String(count)]);
  }
  return table.toString();
}

function summaryOf({ sent, bytes, jobs }: BackfillReport, { dryRun, signal }: BackfillOptions): string {
  const amount = `${sent} uploads, ${(bytes / 1e6).toFixed(1)} MB`;
  if (dryRun)
    return `Would be restored: ${amount}. Nothing was sent${signal.aborted ? '; stopped before the end' : ''}.`;
  const again = signal.aborted ? ' Stopped: run the same command again to go on.' : '';
  return `Sent: ${amount}, in ${jobs} jobs.${again}`;
}

function settingsFrom(text: string): Settings {
  try {
    return Settings.parse(JSON.parse(text));
  } catch (cause) {
    throw misuse(
      `Expected --settings as JSON, like {"score":0.8}, but ${text} came: ${cause instanceof Error ? cause.message : cause}`,
    );
  }
}
