import { RestorationError } from '../contracts/errors.ts';
import type { Image } from '../imaging/image.ts';
import type { Session } from '../inference/session.ts';
import type { DetectedFace } from './face.ts';
import { detectorOf, look } from './look.ts';
import { octavesOf } from './pyramid.ts';
import { overlapOf, suppress } from './suppress.ts';
import { planViews, viewAround } from './views.ts';

/** Of what the first look sees, as much of the card's threshold is worth a second look. */
const worthLooking = 0.8;

/** As many faces are looked at twice, best first: a picture of noise costs no more. */
const mostFaces = 500;

export interface Detection {
  /** Best first, in pixels of the picture. */
  faces: DetectedFace[];
  /** Inside the model alone. */
  seconds: number;
}

/**
 * Finds faces from 24 px to the whole picture. First view by view at every octave, so that memory is a third of the picture
 * and one view; then each that was seen is looked at again by itself, in the middle and at the size that the detector likes
 * best: what is no face seldom looks like one twice, and the second sight's landmarks are the better ones.
 * @param image upright: faces that lie on their side are mostly not found
 * @param session of a model with task `detect-faces`
 * @throws `inference-failed`, `interrupted` where the signal was raised or the session closed
 */
export async function detectFaces(image: Image, session: Session, signal?: AbortSignal): Promise<Detection> {
  const { card } = session;
  const detector = detectorOf(card);
  const views = planViews(image.width, image.height, detector, card.size);
  const octaves = octavesOf(image, 1 + (views.at(-1)?.octave ?? 0));
  const worth = detector.threshold * worthLooking;
  const sights: DetectedFace[] = [];
  let seconds = 0;
  for (const view of views) {
    checkSignal(signal);
    const seen = await look(session, octaves, view, worth);
    sights.push(...seen.faces);
    seconds += seen.seconds;
  }
  const faces: DetectedFace[] = [];
  for (const first of suppress(sights).slice(0, mostFaces)) {
    checkSignal(signal);
    const seen = await look(session, octaves, viewAround(first.box, detector, card.size, octaves.length), worth);
    seconds += seen.seconds;
    const second = suppress(seen.faces.filter(({ box }) => overlapOf(box, first.box) > 0.3))[0];
    const score = second ? Math.sqrt(first.score * second.score) : 0;
    if (second && score >= detector.threshold) faces.push({ ...second, score });
  }
  return { faces: suppress(faces), seconds };
}

function checkSignal(signal: AbortSignal | undefined): void {
  if (signal?.aborted)
    throw new RestorationError('interrupted', 'Interrupted while faces were looked for. Start again.');
}
