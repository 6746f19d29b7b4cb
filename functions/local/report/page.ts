import { createHash } from 'node:crypto';
import { cardOf, signed, statusWords } from './card.ts';
import { type Html, html } from './html.ts';
import { commonFolder, type Picture } from './picture.ts';
import { barEndsOf } from './scores.ts';
import { script } from './script.ts';
import { style } from './style.ts';
import { type Totals, totalsOf } from './totals.ts';

export interface Page {
  pictures: readonly Picture[];
  title: string;
  /** Name and version of what wrote it. */
  software: string;
}

/** The whole page. Nothing in it runs or loads but its own style, its own script and the pictures beside it. */
export function pageOf({ pictures, title, software }: Page): string {
  const records = pictures.map(({ record }) => record);
  const totals = totalsOf(records);
  const ends = barEndsOf(records);
  const folder = commonFolder(records.map(({ source }) => source.key)).length;
  const policy = [
    "default-src 'none'",
    "img-src 'self' file:",
    `style-src '${hashOf(style)}'`,
    `script-src '${hashOf(script)}'`,
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ');
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<meta name="generator" content="${software}">
<title>${title} – before and after</title>
<style>${raw(style)}</style>
</head>
<body>
<header class="top">
<p class="kicker">${software}${totals.completedAt && html` · <time datetime="${totals.completedAt}">${day(totals.completedAt)}</time>`}</p>
<h1>${title}</h1>
${summary(totals, records.length)}
</header>
${toolbar(totals, records.length)}
<main id="pictures" data-view="details" aria-label="Pictures">${pictures.map((picture, index) => cardOf(picture, { index, ends, name: picture.record.source.key.slice(folder) }))}
</main>
<p class="empty" id="empty" hidden>No picture matches. <button type="button" id="clear">Show all</button></p>
<footer><p>Hollow dot: before. Full dot: after. Arrows beside a measure say which way is better; its bar ends at the largest value in this report, the learned score's at
the end of its range. Sharpness counts noise too, so that it may fall where noise was taken away.</p></footer>
${largeView()}
${help()}
<script>${raw(script)}</script>
</body>
</html>
`.markup;
}

function summary(totals: Totals, all: number): Html {
  const { succeeded, unchanged, failed, gains, secondsPerMegapixel } = totals;
  const tile = (value: string, words: Html | string, kind = '') =>
    html`<div class="tile ${kind}"><dd>${value}</dd><dt>${words}</dt></div>`;
  const shares = [
    { kind: 'succeeded', count: succeeded },
    { kind: 'unchanged', count: unchanged },
    { kind: 'failed', count: failed },
  ];
  let from = 0;
  const share = ({ kind, count }: { kind: string; count: number }) => {
    const width = all > 0 ? (100 * count) / all : 0;
    const x = from;
    from += width;
    return html`<rect class="${kind}" x="${x.toFixed(2)}%" width="${width.toFixed(2)}%" height="6"/>`;
  };
  return html`<dl class="tiles" aria-label="Summary">
${tile(String(succeeded), 'restored', 'succeeded')}${tile(String(unchanged), 'unchanged', 'unchanged')}${tile(String(failed), 'failed', 'failed')}
${gains.map(({ metric, range, average }) =>
  tile(
    signed(average),
    html`average gain of the restored <span class="quiet">${metric}, ${range[0]} to ${range[1]}</span>`,
  ),
)}${secondsPerMegapixel !== undefined && tile(`${secondsPerMegapixel.toFixed(1)} s`, 'a megapixel')}
</dl>
<svg class="shares" aria-hidden="true" width="100%" height="6">${shares.map(share)}</svg>`;
}

function toolbar(totals: Totals, all: number): Html {
  const filter = (value: string, words: string, count: number) =>
    html`<button type="button" data-filter="${value}" aria-pressed="${value === '' ? 'true' : 'false'}">${words} <span class="count">${count}</span></button>`;
  return html`<div class="toolbar" role="search">
<input type="search" id="search" placeholder="Search" aria-label="Search names, reasons and warnings" autocomplete="off" spellcheck="false">
<div class="filters" role="group" aria-label="Show">${filter('', 'All', all)}${filter('succeeded', statusWords.succeeded, totals.succeeded)}${filter(
    'unchanged',
    statusWords.unchanged,
    totals.unchanged,
  )}${filter('failed', statusWords.failed, totals.failed)}</div>
<label class="sort">Sort <select id="sort"><option value="index">as recorded</option><option value="gain-down">largest gain</option>
<option value="gain-up">smallest gain</option><option value="name">name</option><option value="seconds">slowest</option></select></label>
<div class="views" role="group" aria-label="View"><button type="button" data-view="details" aria-pressed="true">Details</button><button type="button" data-view="overview" aria-pressed="false">Overview</button></div>
<button type="button" id="keys" aria-label="Keyboard shortcuts" title="Keyboard shortcuts (?)">?</button>
<p class="shown" id="shown" role="status">${all} ${all === 1 ? 'picture' : 'pictures'}</p></div>`;
}

function largeView(): Html {
  return html`<dialog id="large" aria-labelledby="large-name">
<header><h2 id="large-name"><bdi></bdi></h2>
<div class="zooms" role="group" aria-label="Zoom"><button type="button" data-zoom="0" aria-pressed="false">Fit</button><button type="button" data-zoom="1" aria-pressed="true">1:1</button><button type="button" data-zoom="2" aria-pressed="false">2:1</button></div>
<button type="button" data-step="-1" aria-label="Previous picture">‹</button><button type="button" data-step="1" aria-label="Next picture">›</button>
<button type="button" data-close aria-label="Close">✕</button></header>
<div class="panes" tabindex="0" role="group" aria-label="Before and after" autofocus><figure class="pane" data-side="before"><img alt="" draggable="false"><figcaption>Before</figcaption></figure>
<figure class="pane" data-side="after"><img alt="" draggable="false"><figcaption>After</figcaption></figure></div>
<p class="hint">Drag, scroll or use the arrow keys to move both. <kbd>0</kbd> fit, <kbd>1</kbd> 1:1, <kbd>2</kbd> 2:1, <kbd>j</kbd> <kbd>k</kbd> next and previous, <kbd>Esc</kbd> close.</p>
</dialog>`;
}

function help(): Html {
  const key = (keys: string, words: string) =>
    html`<dt>${keys.split(' ').map((name) => html`<kbd>${name}</kbd> `)}</dt><dd>${words}</dd>`;
  return html`<dialog id="help" aria-labelledby="help-name"><header><h2 id="help-name">Keyboard</h2><button type="button" data-close aria-label="Close">✕</button></header>
<dl>${key('j k', 'next and previous picture')}${key('↓ ↑', 'the same, from a chosen picture')}${key('← →', 'move the slider, with Shift in larger steps')}${key(
    'Enter',
    'large view at 1:1',
  )}${key('/', 'search')}${key('v', 'details or overview')}${key('?', 'this list')}</dl></dialog>`;
}

function day(iso: string): string {
  return new Intl.DateTimeFormat('en-GB', { dateStyle: 'long', timeZone: 'UTC' }).format(new Date(iso));
}

/** For our own constants alone. */
function raw(text: string): Html {
  return { markup: text };
}

function hashOf(text: string): string {
  return `sha256-${createHash('sha256').update(text).digest('base64')}`;
}
