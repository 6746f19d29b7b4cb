import type { Point } from '../imaging/similarity.ts';
import type { DetectedFace } from './face.ts';

/** px of the square that the network sees, and by which its numbers are to be divided. */
const side = 256;

/** Cells a side, and anchors in each; anchors have a place and no size. */
const grids = [
  { cells: 16, anchors: 2 },
  { cells: 8, anchors: 6 },
];

/** Numbers of a box: centre, size, and six points. */
const stride = 16;

/**
 * Reads BlazeFace's answer (back camera, 256 px): V. Bazarevsky and others, arXiv 1907.05047.
 * @param outputs scores before the sigmoid [512, 1], [384, 1], then boxes [512, 16], [384, 16]
 * @returns all that score at least `threshold`, in pixels of the network's input
 */
export function decodeBlazeFace(outputs: Float32Array[], threshold: number): DetectedFace[] {
  const faces: DetectedFace[] = [];
  for (const [index, { cells, anchors }] of grids.entries()) {
    const scores = outputs[index] ?? new Float32Array();
    const boxes = outputs[index + grids.length] ?? new Float32Array();
    for (const [anchor, logit] of scores.entries()) {
      const score = 1 / (1 + Math.exp(-logit));
      if (!(score >= threshold)) continue;
      const cell = Math.floor(anchor / anchors);
      const middle = {
        x: (((cell % cells) + 0.5) * side) / cells,
        y: ((Math.floor(cell / cells) + 0.5) * side) / cells,
      };
      faces.push(faceAt(boxes.subarray(anchor * stride, (anchor + 1) * stride), middle, score));
    }
  }
  return faces;
}

function faceAt(numbers: Float32Array, middle: Point, score: number): DetectedFace {
  const at = (index: number): Point => ({
    x: middle.x + (numbers[index] ?? 0),
    y: middle.y + (numbers[index + 1] ?? 0),
  });
  const centre = at(0);
  const [width = 0, height = 0] = numbers.subarray(2, 4);
  return {
    score,
    box: { x: centre.x - width / 2, y: centre.y - height / 2, width, height },
    // The two points that remain are the ears.
    landmarks: { 'left-eye': at(4), 'right-eye': at(6), nose: at(8), mouth: at(10) },
  };
}
