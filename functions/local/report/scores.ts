import type { RestorationRecord, Score } from '../../lib/contracts/record.ts';
import { improvement } from './gain.ts';
import { type Html, html } from './html.ts';

/** The far end of each classic measure's bar: its range is often far wider than any photograph's values. */
export type BarEnds = ReadonlyMap<string, number>;

/** The largest value of each classic measure in all the records, so that bars of one report can be compared. */
export function barEndsOf(records: readonly RestorationRecord[]): BarEnds {
  const ends = new Map<string, number>();
  for (const record of records) {
    if (record.status === 'failed') continue;
    for (const { metric, model, range, before, after } of record.assessment) {
      if (model) continue;
      const largest = Math.max(before - range[0], (after ?? before) - range[0], ends.get(metric) ?? 0);
      ends.set(metric, Math.min(range[1] - range[0], largest));
    }
  }
  return ends;
}

/** The scores as a table: never one number alone, each with its direction, before and after, and a bar. */
export function scoreTable(scores: readonly Score[], ends: BarEnds, delivered: 'restored' | 'original'): Html {
  const candidate = delivered === 'original' && scores.some(({ after }) => after !== undefined);
  return html`<table class="scores">
<caption class="unseen">Scores of the original and of the ${candidate ? 'candidate that was not delivered' : 'restored picture'}</caption>
<thead><tr><th scope="col">Measure</th><th scope="col" class="number">Before</th><th scope="col" class="number">${candidate ? 'Candidate' : 'After'}</th><td></td></tr></thead>
<tbody>${scores.map((score) => scoreRow(score, ends))}</tbody></table>`;
}

function scoreRow(score: Score, ends: BarEnds): Html {
  const { metric, model, range, direction, before, after } = score;
  const better = direction === 'higher-is-better' ? 'higher is better' : 'lower is better';
  const source = model ? `${model.id} ${model.version}, ` : '';
  const title = `${source}${range[0]} to ${range[1]}, ${better}`;
  const decimals = decimalsOf(score);
  return html`
<tr class="${verdict(score)}"><th scope="row" title="${title}">${model ? 'Learned score' : capitalised(metric)} <span class="direction" aria-label="${better}">${direction === 'higher-is-better' ? '↑' : '↓'}</span>${
    model && html`<span class="scale">${metric}</span>`
  }</th>
<td class="number">${before.toFixed(decimals)}</td><td class="number after">${
    after === undefined ? '–' : html`${after.toFixed(decimals)}<span class="unseen"> ${verdict(score)}</span>`
  }</td>
<td class="bar">${bar(score, model ? range[1] - range[0] : (ends.get(metric) ?? range[1] - range[0]))}</td></tr>`;
}

function capitalised(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1);
}

/** Below half a thousandth nothing has changed that a person could tell. */
function verdict(score: Score): 'better' | 'worse' | 'same' {
  const change = improvement(score) ?? 0;
  return change > 0.0005 ? 'better' : change < -0.0005 ? 'worse' : 'same';
}

/** A hollow dot where it was, a full one where it is, and the way between them. */
function bar({ range, before, after }: Score, span: number): Html {
  const at = (value: number) => (span > 0 ? Math.min(100, Math.max(0, (100 * (value - range[0])) / span)) : 0);
  const was = at(before);
  const is = at(after ?? before);
  const percent = (value: number) => `${value.toFixed(1)}%`;
  // A tenth on each side keeps the dots inside; positions in percent stretch with the column.
  const x = (value: number) => percent(5 + value * 0.9);
  return html`<svg aria-hidden="true" width="100%" height="12"><line class="track" x1="5%" x2="95%" y1="6" y2="6"/>${
    after !== undefined &&
    html`<line class="way" x1="${x(was)}" x2="${x(is)}" y1="6" y2="6"/><circle class="is" cx="${x(is)}" cy="6" r="4.5"/>`
  }<circle class="was" cx="${x(was)}" cy="6" r="3.5"/></svg>`;
}

/** As many decimals for both of a pair as the larger one needs. */
function decimalsOf({ before, after = before }: Score): number {
  const largest = Math.max(Math.abs(before), Math.abs(after));
  return largest >= 10 ? 1 : largest > 1 ? 2 : 3;
}
