import { describe, expect, it } from 'vitest';
import { findInstallation } from '../../../../functions/lib/installation.ts';
import { costOf, estimate, machinesFor, Timesheet } from '../../../../functions/local/aws/cost.ts';
import { type PriceTable, readPrices } from '../../../../functions/local/aws/prices.ts';
import { deliveredRecord, failedRecord } from '../../../support/records.ts';

const timings = { fetch: 0.1, decode: 0.2, assess: 0.5, restore: 3, encode: 0.2, predictTime: 3, totalTime: 9 };
const prices: PriceTable = {
  version: 1,
  date: '2026-11-23',
  region: 'us-east-1',
  currency: 'USD',
  kind: 'published',
  source: 'a test',
  machines: [
    { name: 'small', devices: ['cuda', 'webgpu'], usdPerHour: 0.36 },
    { name: 'large', devices: ['cuda'], usdPerHour: 3.6 },
    { name: 'plain', devices: ['cpu'], usdPerHour: 1 },
  ],
};

function timesheet() {
  const sheet = new Timesheet();
  const source = { bucket: 'b', key: 'a.jpg', size: 2_000_000 };
  const image = { ...(deliveredRecord() as { image: object }).image, width: 2000, height: 1000 };
  for (let n = 0; n < 4; n++) sheet.add(deliveredRecord({ device: 'cuda', timings, source, image } as never));
  sheet.add(deliveredRecord({ device: 'cpu', timings, source } as never));
  sheet.add(failedRecord());
  sheet.add({ version: 2, status: 'succeeded', source: { key: 'x' } });
  return sheet;
}

describe('Timesheet', () => {
  it('adds up work and seconds inside the models by device, waiting left out', () => {
    const [cuda, cpu] = timesheet().measured;
    expect(cuda).toMatchObject({ device: 'cuda', images: 4, megapixels: 8, bytes: 8_000_000 });
    expect(cuda?.workSeconds).toBeCloseTo(16, 9);
    expect(cuda?.modelSeconds).toBeCloseTo(12, 9);
    expect(cpu).toMatchObject({ device: 'cpu', images: 1 });
  });

  it('counts records that have no timings, and takes none from them', () => {
    expect(timesheet().untimed).toBe(2);
  });
});

describe('costOf', () => {
  it('is seconds an image, times images, times the price of a second', () => {
    const [cuda] = timesheet().measured;
    const [small] = prices.machines;
    // 3 and 4 s an image, at 0.0001 dollars a second.
    const cost = cuda && small && costOf(1000, cuda, small);
    expect(cost?.low).toBeCloseTo(0.3, 9);
    expect(cost?.high).toBeCloseTo(0.4, 9);
  });
});

describe('estimate', () => {
  it('goes by bytes, from the cheapest machine of the device to the dearest', () => {
    const [cuda] = timesheet().measured;
    // As many bytes as 1,000 of the measured pictures.
    const cost = cuda && estimate(2e9, cuda, prices);
    expect(cost?.low).toBeCloseTo(0.3, 9);
    expect(cost?.high).toBeCloseTo(4, 9);
  });

  it('says nothing where the table has no machine for the device', () => {
    const [cuda] = timesheet().measured;
    const without = { ...prices, machines: prices.machines.slice(2) };
    expect(cuda && estimate(2e9, cuda, without)).toBeUndefined();
  });
});

describe('the shipped table of prices', () => {
  it('says when, where and by whom, claims no more than that they were published, and has a machine for every device', async () => {
    const table = await readPrices(findInstallation());
    expect(table).toMatchObject({ kind: 'published', region: 'us-east-1', currency: 'USD' });
    expect(table.source).toMatch(/published/);
    for (const device of ['cpu', 'cuda', 'webgpu'] as const) expect(machinesFor(device, table)).not.toEqual([]);
  });

  it('refuses a table that does not say where its prices hold', async () => {
    await expect(readPrices(findInstallation(), 'package.json')).rejects.toMatchObject({
      code: 'invalid-configuration',
    });
  });
});
