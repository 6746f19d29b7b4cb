import type { Point } from '../imaging/similarity.ts';
import type { Box, DetectedFace, LandmarkName } from './face.ts';

/** Two boxes that overlap as much show the same face: BlazeFace's and YuNet's own bound. */
const sameFace = 0.3;

/**
 * A box that lies in another one so far is a part of it, an eye or a mouth taken for a face at a finer level. A face in front
 * of another seldom hides in its box.
 */
const partOfFace = 0.7;

/** Boxes that agree so well are two sights of one face, and their mean is better than either. */
const sameSight = 0.5;

/**
 * Of all that windows and levels saw, each face once: the best score's, its place the mean of those that agree with it,
 * weighted by score.
 * @returns best first
 */
export function suppress(candidates: DetectedFace[]): DetectedFace[] {
  const faces: DetectedFace[] = [];
  let rest = candidates.toSorted((a, b) => b.score - a.score);
  for (let best = rest[0]; best; best = rest[0]) {
    const { box } = best;
    faces.push(meanOf(rest.filter((each) => each === best || overlapOf(box, each.box) > sameSight)));
    rest = rest.filter((each) => overlapOf(box, each.box) <= sameFace && insideOf(box, each.box) <= partOfFace);
  }
  return faces;
}

/** Intersection over union. */
export function overlapOf(a: Box, b: Box): number {
  const shared = intersection(a, b);
  return shared === 0 ? 0 : shared / (a.width * a.height + b.width * b.height - shared);
}

/** Intersection over the smaller box. */
function insideOf(a: Box, b: Box): number {
  const shared = intersection(a, b);
  return shared === 0 ? 0 : shared / Math.min(a.width * a.height, b.width * b.height);
}

function intersection(a: Box, b: Box): number {
  const width = Math.min(a.x + a.width, b.x + b.width) - Math.max(a.x, b.x);
  const height = Math.min(a.y + a.height, b.y + b.height) - Math.max(a.y, b.y);
  return width > 0 && height > 0 ? width * height : 0;
}

/** @param sights best first; all of one detector, which names the same landmarks each time */
function meanOf(sights: DetectedFace[]): DetectedFace {
  const [best] = sights;
  if (!best) throw new Error('Expected a sight of the face.');
  const total = sights.reduce((sum, { score }) => sum + score, 0);
  const mean = (value: (face: DetectedFace) => number) =>
    sights.reduce((sum, face) => sum + value(face) * face.score, 0) / total;
  const points = Object.keys(best.landmarks) as LandmarkName[];
  const pointOf = (face: DetectedFace, name: LandmarkName): Point => face.landmarks[name] ?? { x: 0, y: 0 };
  return {
    score: best.score,
    box: {
      x: mean(({ box }) => box.x),
      y: mean(({ box }) => box.y),
      width: mean(({ box }) => box.width),
      height: mean(({ box }) => box.height),
    },
    landmarks: Object.fromEntries(
      points.map((name) => [
        name,
        { x: mean((face) => pointOf(face, name).x), y: mean((face) => pointOf(face, name).y) },
      ]),
    ),
  };
}
