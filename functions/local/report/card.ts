import type { DeliveredRecord, RestorationRecord } from '../../lib/contracts/record.ts';
import { faceList } from './faces.ts';
import { gainOf, workSeconds } from './gain.ts';
import { type Html, html } from './html.ts';
import type { Picture } from './picture.ts';
import type { Preview } from './previews.ts';
import { type BarEnds, scoreTable } from './scores.ts';

export const statusWords = { succeeded: 'Restored', unchanged: 'Unchanged', failed: 'Failed' } as const;

export interface Place {
  index: number;
  ends: BarEnds;
  /** The key, without the folder that all pictures of the report share. */
  name: string;
}

/** One picture: what it looks like before and after, what was measured, decided and spent. */
export function cardOf(picture: Picture, { index, ends, name }: Place): Html {
  const { record, original, delivered, before, after, thumbnail } = picture;
  const id = `picture-${index + 1}`;
  const gain = gainOf(record);
  const failed = record.status === 'failed';
  return html`
<article class="card ${record.status}" id="${id}" tabindex="-1" aria-labelledby="${id}-name" data-status="${record.status}" data-index="${index}"
 data-name="${name}" data-gain="${gain ?? ''}" data-seconds="${workSeconds(record)}" data-text="${searchText(record)}"
 ${
   !failed &&
   html`data-width="${record.result.width}" data-height="${record.result.height}" data-before="${before?.url}" data-after="${after?.url}"
 data-original="${showable(record.image.format) && original}" data-delivered="${showable(record.result.format) && delivered}"`
 }>
<div class="stage">${stage(picture, name)}</div>
<button class="thumbnail" type="button" data-open tabindex="-1" aria-label="Open ${name}">${
    thumbnail
      ? html`<img src="${thumbnail.url}" alt="" width="${thumbnail.width}" height="${thumbnail.height}" loading="lazy" decoding="async">`
      : html`<span class="missing">${failed ? 'Failed' : 'No picture'}</span>`
  }</button>
<div class="facts">
<header><h2 id="${id}-name" title="${record.source.key}"><bdi>${name}</bdi></h2>
<p class="badges"><span class="status">${statusWords[record.status]}</span>${
    gain !== undefined &&
    gain !== 0 &&
    html`<span class="gain" title="Gain of the learned score">${signed(gain)}</span>`
  }</p></header>
${failed ? failure(record) : outcome(record, ends)}
${record.warnings.length > 0 && warnings(record)}
<p class="links">${after && html`<button type="button" data-open>Open large</button>`}${
    original && html`<a href="${original}">Original file</a>`
  }${delivered && html`<a href="${delivered}">${failed || record.decision.delivered === 'original' ? 'Delivered file' : 'Restored file'}</a>`}</p>
</div></article>`;
}

function stage({ record, before, after }: Picture, name: string): Html {
  if (record.status === 'failed') return html`<p class="missing">No picture was delivered.</p>`;
  if (record.decision.delivered === 'original') {
    return after
      ? html`<div class="single">${image(after, `${name}, unchanged`)}<span class="tag before" aria-hidden="true">Unchanged</span></div>`
      : gone();
  }
  if (!before || !after) return after ? html`<div class="single">${image(after, `${name}, restored`)}</div>` : gone();
  return html`<div class="compare" role="slider" tabindex="0" aria-label="Before and after of ${name}" aria-orientation="horizontal"
 aria-valuemin="0" aria-valuemax="100" aria-valuenow="50" aria-valuetext="50 % before, 50 % after">${image(before, '')}${image(
   after,
   '',
 )}<span class="tag before" aria-hidden="true">Before</span><span class="tag after" aria-hidden="true">After</span><span class="handle" aria-hidden="true"></span></div>`;
}

const gone = () => html`<p class="missing">The picture is no longer where it was.</p>`;

/** px. Taller pictures are scaled by their attributes, so that the page needs no script to keep their place. */
const tallest = 540;

function image({ url, width, height }: Preview, alt: string): Html {
  const scale = Math.min(1, tallest / height);
  return html`<img src="${url}" alt="${alt}" width="${Math.round(width * scale)}" height="${Math.round(height * scale)}" loading="lazy" decoding="async" draggable="false">`;
}

function outcome(record: DeliveredRecord, ends: BarEnds): Html {
  const { image, result, assessment, decision, timings, tiles, device, models } = record;
  const changed = result.format !== image.format ? ` → ${result.format}` : '';
  const traits = [
    image.bitDepth === 16 && '16 bit',
    image.channels === 1 && 'gray',
    image.hasAlpha && 'alpha',
    image.hasProfile && 'colour profile',
    image.orientation !== 1 && 'turned upright',
    image.pages > 1 && `first of ${image.pages} frames`,
  ].filter((trait) => trait !== false);
  const seconds = (value: number) => `${value.toFixed(value < 1 ? 2 : 1)} s`;
  return html`<p class="reason">${decision.message}</p>
${scoreTable(assessment, ends, decision.delivered)}
${faceList(record)}
<dl><dt>Picture</dt><dd>${image.width} × ${image.height}, ${image.format}${changed}${traits.map((trait) => `, ${trait}`)}</dd>
<dt>Time</dt><dd>${seconds(workSeconds(record))}: ${seconds(timings.restore)} restoring, ${seconds(timings.assess)} assessing, ${timings.faces !== undefined && `${seconds(timings.faces)} on faces, `}${seconds(
    timings.fetch + timings.decode + timings.encode,
  )} reading and writing</dd>
<dt>Models</dt><dd>${models.map(({ id, version, sha256 }, at) => html`${at > 0 && ', '}<span title="sha256 ${sha256}">${id} ${version}</span>`)} on ${device}${
    tiles > 0 && `, ${tiles} ${tiles === 1 ? 'tile' : 'tiles'}`
  }</dd></dl>`;
}

const whose = {
  input: 'The picture itself is the reason; trying again will not help.',
  config: 'The configuration is the reason; correct it and run again.',
  transient: 'A passing fault is the reason; run again.',
} as const;

function failure({ error }: Extract<RestorationRecord, { status: 'failed' }>): Html {
  return html`<p class="reason">${error.message}</p>
<dl><dt>Error</dt><dd><code>${error.code}</code></dd><dt>Fault</dt><dd>${whose[error.fault]}</dd></dl>`;
}

function warnings(record: RestorationRecord): Html {
  return html`<ul class="warnings" aria-label="Warnings">${record.warnings.map(
    ({ code, message }) => html`<li title="${code}">${message}</li>`,
  )}</ul>`;
}

/** What the search field looks through: everything that a card says in words. */
function searchText(record: RestorationRecord): string {
  const said =
    record.status === 'failed'
      ? [record.error.code, record.error.fault, record.error.message]
      : [
          record.decision.reason,
          record.decision.message,
          record.image.format,
          ...record.models.map(({ id }) => id),
          ...(record.faces ?? []).flatMap(({ status, reason }) => [`face ${status}`, reason]),
        ];
  const warned = record.warnings.flatMap(({ code, message }) => [code, message]);
  return [record.source.key, statusWords[record.status], ...said, ...warned].join('\n').toLowerCase();
}

/** Browsers show every format of ours but TIFF. */
function showable(format: string): boolean {
  return format !== 'tiff';
}

export function signed(value: number): string {
  return `${value < 0 ? '−' : '+'}${Math.abs(value).toFixed(2)}`;
}
