import type { DeliveredRecord, Face } from '../../lib/contracts/record.ts';
import { type Html, html } from './html.ts';

const words: Record<Face['status'], string> = {
  restored: 'restored',
  kept: 'kept',
  'too-small': 'too small',
  'too-large': 'too large',
  uncertain: 'uncertain',
  'identity-drift': 'another face came out',
  worse: 'not better',
};

/** px of the screen that a face shall fill at least; smaller ones are opened at 2:1. */
const wellSeen = 300;

/** The faces of a picture; each opens the large view on itself, before and after. */
export function faceList({ faces = [], faceTreatment, result }: DeliveredRecord): Html | undefined {
  if (faces.length === 0) return undefined;
  return html`<details class="faces"><summary>${faceTreatment?.message ?? `${faces.length} faces`}</summary><ol>${faces.map(
    (face, index) => item(face, index, result),
  )}</ol></details>`;
}

function item(
  { box, quality, identity, status, reason }: Face,
  index: number,
  size: { width: number; height: number },
) {
  const ratio = (value: number) => Math.min(1, Math.max(0, value)).toFixed(4);
  const zoom = box.width * size.width < wellSeen ? 2 : 1;
  const scores = quality && [quality.before, quality.after].filter((score) => score !== undefined);
  const measured = [
    scores && `score ${scores.map((score) => score.toFixed(2)).join(' → ')}`,
    identity && `consistency ${identity.consistency.toFixed(2)}`,
    identity?.distance !== undefined && `distance ${identity.distance.toFixed(2)}`,
  ].filter((text) => typeof text === 'string');
  return html`<li class="face ${status}"><button type="button" data-open data-x="${ratio(box.x + box.width / 2)}" data-y="${ratio(
    box.y + box.height / 2,
  )}" data-at="${zoom}">Face ${index + 1}: ${words[status]}</button>${
    measured.length > 0 && html` <span class="quiet">${measured.join(', ')}</span>`
  }<p>${reason}</p></li>`;
}
