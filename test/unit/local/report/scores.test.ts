import { describe, expect, it } from 'vitest';
import type { Score } from '../../../../functions/lib/contracts/record.ts';
import { barEndsOf, scoreTable } from '../../../../functions/local/report/scores.ts';
import { deliveredRecord } from '../../../support/records.ts';
import { scores } from '../../../support/report-records.ts';

const noise = (before: number, after?: number): Score => ({
  metric: 'noise',
  range: [0, 255],
  direction: 'lower-is-better',
  before,
  ...(after !== undefined && { after }),
});

describe('scoreTable', () => {
  it('calls a fall better where lower is better, and a rise where higher is', () => {
    const { markup } = scoreTable(scores(0.4, 0.7), new Map(), 'restored');
    const verdicts = [...markup.matchAll(/<tr class="(\w+)"/g)].map(([, verdict]) => verdict);
    expect(verdicts).toEqual(['better', 'worse', 'better', 'better', 'same']);
  });

  it('shows every measure, learned and classic, with the way that is better in words', () => {
    const { markup } = scoreTable(scores(0.4, 0.7), new Map(), 'restored');
    for (const name of ['Learned score', 'Sharpness', 'Noise', 'Blockiness', 'Clipping'])
      expect(markup).toContain(name);
    expect(markup).toContain('aria-label="lower is better"');
    expect(markup).toContain('aria-label="higher is better"');
  });

  it('has no after where nothing was restored', () => {
    const { markup } = scoreTable([noise(3)], new Map(), 'original');
    expect(markup).toContain('–');
    expect(markup).not.toContain('class="is"');
    expect(markup).toContain('After');
  });

  it('ends the bars of a classic measure at its largest value of the report, within its range', () => {
    const records = [noise(20, 5), noise(8, 40)].map((score) => deliveredRecord({ assessment: [score] }));
    expect(barEndsOf(records)).toEqual(new Map([['noise', 40]]));
    const { markup } = scoreTable([noise(40, 0)], barEndsOf(records), 'restored');
    expect(markup).toContain('class="was" cx="95.0%"');
    expect(markup).toContain('class="is" cx="5.0%"');
  });
});
