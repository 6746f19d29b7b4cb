import type { ModelCard } from '../lib/contracts/model-card.ts';
import type { Face } from '../lib/contracts/record.ts';
import type { AlignedFace } from '../lib/faces/align.ts';
import type { Box, DetectedFace } from '../lib/faces/face.ts';
import { faceMask } from '../lib/faces/mask.ts';
import type { Image } from '../lib/imaging/image.ts';

/** What becomes of a face, and why, in words with the numbers. */
export type Verdict = Pick<Face, 'status' | 'reason'>;

/** Share of a face's box that must lie within the picture: what is not seen would be invented. */
const leastInside = 0.85;

/**
 * Whether a face is one for the network, before it runs.
 * @param scale how many times the source was enlarged: sizes are those of the source
 * @returns why not, or undefined
 */
export function findUnsuitable(
  { card, scale }: { card: ModelCard; scale: number },
  picture: Pick<Image, 'width' | 'height'>,
  face: DetectedFace,
  aligned: AlignedFace | undefined,
): Verdict | undefined {
  const bounds = card.face;
  if (bounds?.detectionScore !== undefined && face.score < bounds.detectionScore) {
    return uncertain(`The detector's score is ${face.score.toFixed(2)}, below ${bounds.detectionScore}.`);
  }
  if (!aligned || !faceMask(aligned.landmarks, aligned.crop.width)) {
    return uncertain('Too few of its landmarks are known to say where it lies.');
  }
  const inside = shareInside(face.box, picture);
  if (inside < leastInside)
    return uncertain(`The picture shows ${percent(inside)} of it, less than ${percent(leastInside)}.`);
  if (bounds?.misfit !== undefined && aligned.misfit > bounds.misfit) {
    const misfit = `${percent(aligned.misfit)} of the template's side off (at most ${percent(bounds.misfit)})`;
    return uncertain(`It looks to the side: its landmarks lie ${misfit}.`);
  }
  const enlargement = aligned.enlargement * scale;
  const { largestEnlargement: most = Number.POSITIVE_INFINITY, smallestEnlargement: least = 0 } = bounds ?? {};
  const needed = `It would be enlarged ${enlargement.toFixed(2)} times for the network`;
  if (enlargement > most) return { status: 'too-small', reason: `${needed}, more than ${most}.` };
  if (enlargement < least)
    return { status: 'too-large', reason: `${needed}, less than ${least}: detail would be lost.` };
  return undefined;
}

/** What was measured of a restored face. */
export interface Measured {
  before: number;
  after: number;
  /** The face as the picture's restorer made it; left out where it did not run. */
  background?: number;
  consistency: number;
  distance?: number;
}

/**
 * Whether a restored face may take its place: it must be the same face, and a better one than there would be without it.
 * @param always a better one is not asked for
 */
export function judgeFace(
  { card, embedder, margin, always }: { card: ModelCard; embedder?: ModelCard; margin: number; always: boolean },
  { before, after, background, consistency, distance }: Measured,
): Verdict {
  const drift = driftOf(card, embedder, consistency, distance);
  if (drift) return { status: 'identity-drift', reason: drift };
  const change = `Its score went from ${before.toFixed(3)} to ${after.toFixed(3)}`;
  if (always) return { status: 'restored', reason: `${change}; delivered as asked, whatever the score.` };
  const asked = `${change}; a rise of at least ${margin} was asked for.`;
  if (after - before < margin) return { status: 'worse', reason: asked };
  if (background !== undefined && after - background < margin) {
    const without = `the picture's restorer took it to ${background.toFixed(3)}`;
    return { status: 'worse', reason: `${change}, but ${without}: that is less than ${margin} below it.` };
  }
  return { status: 'restored', reason: asked };
}

function driftOf(card: ModelCard, embedder: ModelCard | undefined, consistency: number, distance?: number) {
  const least = card.face?.consistency;
  if (least !== undefined && !(consistency >= least)) {
    return `Damaged again as the source is, it matches the source by ${consistency.toFixed(3)} (at least ${least}).`;
  }
  const most = embedder?.face?.distance;
  if (distance === undefined || most === undefined || distance <= most) return undefined;
  return `Its embedding lies ${distance.toFixed(3)} from the source's (at most ${most}).`;
}

function shareInside({ x, y, width, height }: Box, picture: Pick<Image, 'width' | 'height'>): number {
  const across = Math.min(x + width, picture.width) - Math.max(x, 0);
  const down = Math.min(y + height, picture.height) - Math.max(y, 0);
  return (Math.max(across, 0) * Math.max(down, 0)) / (width * height);
}

function uncertain(reason: string): Verdict {
  return { status: 'uncertain', reason };
}

function percent(share: number): string {
  return `${(100 * share).toFixed(0)} %`;
}
