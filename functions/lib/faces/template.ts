import type { ModelCard } from '../contracts/model-card.ts';
import type { LandmarkName, Landmarks } from './face.ts';

export type TemplateName = NonNullable<ModelCard['face']>['template'];

/** A square picture of a face, and where in it eyes, nose and mouth lie; the middle of its first pixel is (0.5, 0.5). */
export interface Template {
  /** px */
  side: number;
  points: Record<LandmarkName, { x: number; y: number }>;
}

export const templates: Record<TemplateName, Template> = {
  /**
   * Mean places in FFHQ's faces at 512 px, on which face restorers are trained: as published with facexlib (MIT) and used by
   * GFPGAN and CodeFormer. They count from the middle of the first pixel, hence the half.
   */
  'ffhq-512': {
    side: 512,
    points: withMouth({
      'left-eye': { x: 192.98138 + 0.5, y: 239.94708 + 0.5 },
      'right-eye': { x: 318.90277 + 0.5, y: 240.1936 + 0.5 },
      nose: { x: 256.63416 + 0.5, y: 314.01935 + 0.5 },
      'mouth-left': { x: 201.26117 + 0.5, y: 371.41043 + 0.5 },
      'mouth-right': { x: 313.08905 + 0.5, y: 371.15118 + 0.5 },
    }),
  },
  /**
   * dlib's chips of 150 px with a quarter of padding, on which its recognition net was trained. Of dlib's mean face of 51
   * points (Boost licence) these are the means of the six around each eye, the nose's tip and the outer corners of the mouth.
   */
  'dlib-150': {
    side: 150,
    points: withMouth({
      'left-eye': padded(0.225492, 0.21599),
      'right-eye': padded(0.754761, 0.21599),
      nose: padded(0.490127, 0.515625),
      'mouth-left': padded(0.254149, 0.780233),
      'mouth-right': padded(0.726104, 0.780233),
    }),
  },
};

/** From ratios of dlib's mean face to pixels of a chip: a quarter of the face's side on every side of it. */
function padded(x: number, y: number) {
  return { x: ((x + 0.25) / 1.5) * 150, y: ((y + 0.25) / 1.5) * 150 };
}

function withMouth(points: Required<Omit<Landmarks, 'mouth'>>): Template['points'] {
  const left = points['mouth-left'];
  const right = points['mouth-right'];
  return { ...points, mouth: { x: (left.x + right.x) / 2, y: (left.y + right.y) / 2 } };
}
