import type { Point } from '../imaging/similarity.ts';
import type { DetectedFace } from './face.ts';

/** px of a cell at each of the three scales. */
const strides = [8, 16, 32];

/**
 * Reads YuNet's answer: W. Wu, H. Peng and S. Yu, "YuNet: a tiny millisecond-level face detector", 2023.
 * @param outputs in the order of the card: class scores [cells, 1] at strides 8, 16 and 32, then as many of objectness
 *   [cells, 1], of boxes [cells, 4], and of points [cells, 10]
 * @param width of the network's input, px: a multiple of 32
 * @returns all that score at least `threshold`, in pixels of the network's input
 */
export function decodeYuNet(outputs: Float32Array[], threshold: number, width: number): DetectedFace[] {
  const faces: DetectedFace[] = [];
  for (const [index, stride] of strides.entries()) {
    const [classes, objects, boxes, points] = [0, 3, 6, 9].map((first) => outputs[first + index] ?? new Float32Array());
    const columns = width / stride;
    for (const [cell, likeness] of classes?.entries() ?? []) {
      const score = Math.sqrt(unit(likeness) * unit(objects?.[cell]));
      if (!(score >= threshold)) continue;
      const corner = { x: cell % columns, y: Math.floor(cell / columns) };
      const at = (numbers: Float32Array | undefined, first: number): Point => ({
        x: (corner.x + (numbers?.[first] ?? 0)) * stride,
        y: (corner.y + (numbers?.[first + 1] ?? 0)) * stride,
      });
      const centre = at(boxes, cell * 4);
      const wide = Math.exp(boxes?.[cell * 4 + 2] ?? 0) * stride;
      const tall = Math.exp(boxes?.[cell * 4 + 3] ?? 0) * stride;
      const point = (place: number) => at(points, cell * 10 + 2 * place);
      faces.push({
        score,
        box: { x: centre.x - wide / 2, y: centre.y - tall / 2, width: wide, height: tall },
        landmarks: {
          'left-eye': point(0),
          'right-eye': point(1),
          nose: point(2),
          'mouth-left': point(3),
          'mouth-right': point(4),
        },
      });
    }
  }
  return faces;
}

function unit(value: number | undefined): number {
  return Math.min(Math.max(value ?? 0, 0), 1);
}
