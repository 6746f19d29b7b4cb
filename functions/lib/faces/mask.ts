import type { Point } from '../imaging/similarity.ts';
import type { Area } from '../imaging/tensor.ts';
import type { Landmarks } from './face.ts';

/** Which part of a crop is face. All in pixels of the crop. */
export interface FaceMask {
  /** Beyond it the weight is 0 everywhere. */
  area: Area;
  /** 1 on the face, 0 off it, smooth between. */
  weight(x: number, y: number): number;
}

/**
 * All in units of the way from between the eyes to the mouth, which a turn of the head hardly shortens (131 px in the FFHQ
 * template). Chosen on the mean of 244 portraits and on single ones, so that brows and chin weigh fully or nearly so, while
 * the fade ends on the forehead below the hair line, before the ears, and at the chin's edge.
 */
const whole = 0.34;
const end = 0.58;
/** Below the mouth, a further corner of the shape: the chin. */
const chin = 0.28;
/** Half a mouth, where only its middle is known. */
const halfMouth = 0.43;
/** Share of the mouth's width that shapes the jaw, which is narrower than the cheeks. */
const jaw = 0.75;

/** px of the crop over which the weight falls to 0 at its border, where its surroundings are unknown to the network. */
const frame = 16;

/**
 * The shape: everything near the polygon of eyes, mouth and chin. Up to 0.34 units from it the weight is 1, from 0.58 on 0, a
 * raised cosine between; hair, ears and neck stay outside. It follows the landmarks, so a head turned aside has a narrower one.
 * @param landmarks of a crop, see `alignFace`
 * @param side of the crop, px
 * @returns undefined where eyes or mouth are not known
 */
export function faceMask(landmarks: Landmarks, side: number): FaceMask | undefined {
  const corners = polygonOf(landmarks);
  if (!corners) return undefined;
  const { outline, unit } = corners;
  const xs = outline.map(({ x }) => x);
  const ys = outline.map(({ y }) => y);
  const left = Math.max(0, Math.floor(Math.min(...xs) - end * unit));
  const top = Math.max(0, Math.floor(Math.min(...ys) - end * unit));
  const area = {
    x: left,
    y: top,
    width: Math.max(0, Math.min(side, Math.ceil(Math.max(...xs) + end * unit)) - left),
    height: Math.max(0, Math.min(side, Math.ceil(Math.max(...ys) + end * unit)) - top),
  };
  const weight = (x: number, y: number): number => {
    const border = Math.min(x, y, side - x, side - y) / frame;
    if (border <= 0) return 0;
    const away = (distance(outline, x, y) / unit - whole) / (end - whole);
    return smooth(1 - away) * smooth(border);
  };
  return { area, weight };
}

/** Clockwise from the left eye. */
function polygonOf(landmarks: Landmarks): { outline: Point[]; unit: number } | undefined {
  const leftEye = landmarks['left-eye'];
  const rightEye = landmarks['right-eye'];
  const mouth = middleOf(landmarks['mouth-left'], landmarks['mouth-right']) ?? landmarks.mouth;
  const eyes = middleOf(leftEye, rightEye);
  if (!leftEye || !rightEye || !eyes || !mouth) return undefined;
  const down = { x: mouth.x - eyes.x, y: mouth.y - eyes.y };
  const along = (from: Point, straight: number, aside: number): Point => ({
    x: from.x + straight * down.x + aside * down.y,
    y: from.y + straight * down.y - aside * down.x,
  });
  const mouthLeft = landmarks['mouth-left'] ?? along(mouth, 0, -halfMouth);
  const mouthRight = landmarks['mouth-right'] ?? along(mouth, 0, halfMouth);
  const inwards = (corner: Point): Point => ({
    x: mouth.x + jaw * (corner.x - mouth.x),
    y: mouth.y + jaw * (corner.y - mouth.y),
  });
  const outline = [leftEye, rightEye, inwards(mouthRight), along(mouth, chin, 0), inwards(mouthLeft)];
  return { outline, unit: Math.hypot(down.x, down.y) };
}

/** 0 inside of the polygon. */
function distance(outline: Point[], x: number, y: number): number {
  let nearest = Number.POSITIVE_INFINITY;
  let inside = false;
  for (const [index, from] of outline.entries()) {
    const to = outline[(index + 1) % outline.length] ?? from;
    const u = to.x - from.x;
    const v = to.y - from.y;
    const along = ((x - from.x) * u + (y - from.y) * v) / (u * u + v * v || 1);
    const place = Math.min(Math.max(along, 0), 1);
    nearest = Math.min(nearest, Math.hypot(x - from.x - place * u, y - from.y - place * v));
    if (from.y > y !== to.y > y && x < from.x + ((y - from.y) / v) * u) inside = !inside;
  }
  return inside ? 0 : nearest;
}

function smooth(ratio: number): number {
  return 0.5 - 0.5 * Math.cos(Math.PI * Math.min(Math.max(ratio, 0), 1));
}

function middleOf(a: Point | undefined, b: Point | undefined): Point | undefined {
  return a && b && { x: (a.x + b.x) / 2, y: (a.y + b.y) / 2 };
}
