import { describe, expect, it } from 'vitest';
import type { Score } from '../../../../functions/lib/contracts/record.ts';
import { gainOf, workSeconds } from '../../../../functions/local/report/gain.ts';
import { totalsOf } from '../../../../functions/local/report/totals.ts';
import { deliveredRecord, failedRecord } from '../../../support/records.ts';

function scored(before: number, after: number, changes: Partial<Score> = {}): Score[] {
  const model = { id: 'iqa', version: '1', sha256: 'a'.repeat(64) };
  return [{ metric: 'mos', model, range: [0, 1], direction: 'higher-is-better', before, after, ...changes }];
}

const kept = { delivered: 'original', reason: 'not-better', message: 'not better' } as const;

describe('gainOf', () => {
  it('is positive for what became better, whichever way the score goes', () => {
    expect(gainOf(deliveredRecord({ assessment: scored(0.4, 0.7) }))).toBeCloseTo(0.3);
    const lower = deliveredRecord({ assessment: scored(40, 30, { direction: 'lower-is-better' }) });
    expect(gainOf(lower)).toBeCloseTo(10);
  });

  it('is nothing where the original was delivered, however good the candidate looked', () => {
    expect(gainOf(deliveredRecord({ status: 'unchanged', assessment: scored(0.4, 0.9), decision: kept }))).toBe(0);
  });

  it('is unknown for a failed picture', () => {
    expect(gainOf(failedRecord())).toBeUndefined();
  });
});

describe('totalsOf', () => {
  it('counts what became of the pictures and averages the gain of the restored alone', () => {
    const totals = totalsOf([
      deliveredRecord({ assessment: scored(0.4, 0.6) }),
      deliveredRecord({ assessment: scored(0.5, 0.9) }),
      deliveredRecord({ status: 'unchanged', assessment: scored(0.5, 0.51), decision: kept }),
      failedRecord(),
    ]);
    expect(totals).toMatchObject({ succeeded: 2, unchanged: 1, failed: 1 });
    expect(totals.gains).toEqual([{ metric: 'mos', range: [0, 1], average: expect.closeTo(0.3), pictures: 2 }]);
  });

  it('never averages over two scales', () => {
    const other = { metric: 'other', model: { id: 'other', version: '1', sha256: 'b'.repeat(64) } };
    const totals = totalsOf([
      deliveredRecord({ assessment: scored(0.4, 0.6) }),
      deliveredRecord({ assessment: scored(10, 60, { ...other, range: [0, 100] }) }),
    ]);
    expect(totals.gains.map(({ metric, average }) => [metric, average])).toEqual([
      ['mos', expect.closeTo(0.2)],
      ['other', 50],
    ]);
  });

  it('gives the seconds of work a megapixel, without waiting and without pictures that no restorer ran on', () => {
    const timings = { fetch: 0, decode: 1, assess: 1, restore: 5, encode: 1, predictTime: 6, totalTime: 60 };
    const image = { ...facts(), width: 2000, height: 1000 };
    const ran = deliveredRecord({ timings, image, tiles: 4 });
    const good = deliveredRecord({ status: 'unchanged', timings, image, tiles: 0, decision: kept });
    expect(workSeconds(ran)).toBe(8);
    expect(totalsOf([ran, good, failedRecord()]).secondsPerMegapixel).toBe(4);
    expect(totalsOf([good]).secondsPerMegapixel).toBeUndefined();
  });

  it('says nothing of no pictures', () => {
    expect(totalsOf([])).toEqual({
      succeeded: 0,
      unchanged: 0,
      failed: 0,
      gains: [],
      secondsPerMegapixel: undefined,
      completedAt: undefined,
    });
  });
});

function facts() {
  const record = deliveredRecord();
  if (record.status === 'failed') throw new Error('Expected a delivered record.');
  return record.image;
}
