import { type Image, peakOf } from '../imaging/image.ts';
import { estimateSimilarity, magnification, type Similarity, transform } from '../imaging/similarity.ts';
import { warp } from '../imaging/warp.ts';
import type { DetectedFace, LandmarkName, Landmarks } from './face.ts';
import { type TemplateName, templates } from './template.ts';

/** A face as a face model wants to see it: upright, its eyes, nose and mouth where the template has them. */
export interface AlignedFace {
  /** The template's square, in the photograph's channels and depth. */
  crop: Image;
  /** From pixels of the photograph to pixels of the crop. */
  matrix: Similarity;
  /** Pixels of the crop by pixel of the photograph. */
  enlargement: number;
  /** In pixels of the crop. */
  landmarks: Landmarks;
  /**
   * How far the landmarks lie from the template's, root mean square, as a share of the crop's side. A face that looks to the
   * side cannot be brought to the template by turning it in the picture's plane.
   */
  misfit: number;
}

/**
 * @param image the upright photograph
 * @returns undefined where the landmarks do not say where the face is: fewer than two that the template knows, or all in one place
 */
export function alignFace(
  image: Image,
  face: Pick<DetectedFace, 'landmarks'>,
  template: TemplateName = 'ffhq-512',
): AlignedFace | undefined {
  const { points } = templates[template];
  const entries = Object.entries(comparable(face.landmarks)) as [LandmarkName, { x: number; y: number }][];
  const targets = entries.map(([name]) => points[name]);
  const matrix = estimateSimilarity(
    entries.map(([, place]) => place),
    targets,
  );
  if (!matrix) return undefined;
  const moved = entries.map(([name, place]) => [name, transform(matrix, place)] as const);
  const squares = moved.map(([name, { x, y }]) => (x - points[name].x) ** 2 + (y - points[name].y) ** 2);
  return {
    crop: cropFace(image, matrix, template),
    matrix,
    enlargement: magnification(matrix),
    landmarks: Object.fromEntries(moved),
    misfit: Math.sqrt(squares.reduce((sum, one) => sum + one, 0) / squares.length) / templates[template].side,
  };
}

/** The template's square of a photograph, in its channels and depth. What lies beyond the border is mirrored. */
export function cropFace(image: Image, matrix: Similarity, template: TemplateName): Image {
  const { side } = templates[template];
  const samples = warp(image, matrix, { x: 0, y: 0, width: side, height: side });
  const peak = peakOf(image);
  const pixels = peak === 255 ? new Uint8Array(samples.length) : new Uint16Array(samples.length);
  for (let index = 0; index < samples.length; index++) {
    pixels[index] = Math.min(Math.max((samples[index] ?? 0) + 0.5, 0), peak);
  }
  return { width: side, height: side, channels: image.channels, pixels };
}

/** The mouth's middle only where its corners are not known: with them it says nothing more. */
function comparable(landmarks: Landmarks): Landmarks {
  const { mouth, ...others } = landmarks;
  return mouth && !(others['mouth-left'] && others['mouth-right']) ? { ...others, mouth } : others;
}
