import Table from 'cli-table3';
import pMap from 'p-map';
import { asRestorationError } from '../../lib/contracts/errors.ts';
import type { Installation } from '../../lib/installation.ts';
import { openBuckets } from '../../lib/storage/open-buckets.ts';
import { readCommitted } from '../../lib/storage/standing.ts';
import type { ObjectStore } from '../../lib/storage/store.ts';
import { costOf, type Dollars, type Measured, machinesFor, Timesheet } from './cost.ts';
import { findPlaces, misuse, type PlaceOptions, required } from './places.ts';
import { type Machine, type PriceTable, readPrices } from './prices.ts';
import { drawKeys } from './sample.ts';
import { readStackOutputs } from './stack-outputs.ts';

export interface CostOptions extends PlaceOptions {
  machine?: string | undefined;
  /** US dollars an hour of that machine. */
  price?: number | undefined;
  prices?: string | undefined;
  /** Records to read at most. */
  sample: number;
  json: boolean;
  installation: Installation;
  signal: AbortSignal;
}

/** What the figures leave out, so that nobody takes them for a bill. */
const assumptions = [
  'Seconds are those that the workers wrote into their records; failed pictures wrote none and are not counted.',
  'low: seconds inside the models alone, where pictures never overlap; high: all seconds of work, as if none did.',
  'Not counted: starting machines, pulling the image, loading models, idling until a machine is taken down.',
  'Not counted: disks, endpoints or NAT, S3, Lambda, SQS, logs, transfer, tax. They do not grow with seconds.',
  'Records do not say which machine ran them: each line holds if all of them ran on that one.',
  'On-demand prices: what ran on spot machines costs less, by how much the bill says (--machine NAME --price USD).',
];

export async function costCommand(options: CostOptions): Promise<void> {
  const places = await findPlaces(options, readStackOutputs);
  const prices = pricesAsked(await readPrices(options.installation, options.prices), options);
  const { results } = openBuckets({ results: required(places, 'results') });
  const { timesheet, drawn, total } = await timings(results, places.layout.records, options);
  const { measured, untimed } = timesheet;
  const rows = measured.map((one) => ({
    ...one,
    secondsPerImage: { models: one.modelSeconds / one.images, work: one.workSeconds / one.images },
    secondsPerMegapixel: { models: one.modelSeconds / one.megapixels, work: one.workSeconds / one.megapixels },
    usdPer1000Images: machinesFor(one.device, prices).map((machine) => ({ ...machine, ...costOf(1000, one, machine) })),
  }));
  const { date, region, currency, kind, source } = prices;
  if (options.json) {
    const records = { total, read: drawn, untimed };
    process.stdout.write(
      `${JSON.stringify({ records, measured: rows, prices: { date, region, currency, kind, source }, assumptions })}\n`,
    );
    return;
  }
  if (measured.length === 0) {
    process.stdout.write(
      `No timings: ${drawn} of ${total} records were read, and none is of a restored picture. Restore some, then ask again.\n`,
    );
    return;
  }
  process.stdout.write(
    `${measuredTable(rows)}\nMeasured by the workers; ${drawn} of ${total} records read, ${untimed} of them without timings.\n\n`,
  );
  process.stdout.write(`${dollarTable(measured, prices)}\nPrices: ${kind}, ${region}, as of ${date}. ${source}.\n\n`);
  process.stdout.write(`What this rests on:\n${assumptions.map((line) => `- ${line}`).join('\n')}\n`);
}

/** A bucket may hold millions of records: some are drawn, each as likely as the next. */
async function timings(results: ObjectStore, prefix: string, { sample, signal }: CostOptions) {
  const { keys, total } = await drawKeys(results.list(prefix), sample, signal);
  const timesheet = new Timesheet();
  await pMap(
    keys,
    async (key) => {
      if (!signal.aborted) timesheet.add((await readCommitted(results, key).catch(noRecord))?.record);
    },
    { concurrency: 16 },
  );
  return { timesheet, drawn: keys.length, total };
}

/** Something else that lies among the records has no timings. */
function noRecord(thrown: unknown): undefined {
  if (asRestorationError(thrown).code !== 'invalid-record') throw thrown;
}

function pricesAsked(prices: PriceTable, { machine, price }: CostOptions): PriceTable {
  if (machine === undefined && price === undefined) return prices;
  if (machine === undefined)
    throw misuse('Expected --machine NAME beside --price, so that the figure says what it is of.');
  const known = prices.machines.filter(({ name }) => name === machine);
  if (price === undefined && known.length === 0) {
    const names = prices.machines.map(({ name }) => name).join(', ');
    throw misuse(`Expected --price USD an hour for ${machine}, which the table lacks; it has ${names}.`);
  }
  const devices: Machine['devices'] = known[0]?.devices ?? ['cpu', 'cuda', 'webgpu'];
  const own = { name: machine, devices, usdPerHour: price ?? 0, note: 'price given by you' };
  return { ...prices, machines: price === undefined ? known : [own] };
}

function measuredTable(
  rows: (Measured & Record<'secondsPerImage' | 'secondsPerMegapixel', { models: number; work: number }>)[],
): string {
  const head = ['device', 'images', 'megapixels', 's an image', 'in the models', 's a megapixel', 'in the models'];
  const table = new Table({ head, style: { head: [], border: [], compact: true } });
  for (const { device, images, megapixels, secondsPerImage, secondsPerMegapixel } of rows) {
    const seconds = [
      secondsPerImage.work,
      secondsPerImage.models,
      secondsPerMegapixel.work,
      secondsPerMegapixel.models,
    ];
    table.push([device, images, megapixels.toFixed(1), ...seconds.map((value) => value.toFixed(2))]);
  }
  return table.toString();
}

function dollarTable(measured: Measured[], prices: PriceTable): string {
  const head = ['device', 'machine', '$ an hour', '$ per 1,000 images', ''];
  const table = new Table({ head, style: { head: [], border: [], compact: true } });
  for (const one of measured) {
    for (const machine of machinesFor(one.device, prices)) {
      const { name, usdPerHour, note = '' } = machine;
      table.push([one.device, name, String(usdPerHour), dollars(costOf(1000, one, machine)), note]);
    }
  }
  return table.toString();
}

export function dollars({ low, high }: Dollars): string {
  const [from, to] = [low, high].map((value) => value.toFixed(value < 1 ? 4 : 2));
  return from === to ? `$${from}` : `$${from} to $${to}`;
}
