import type { Point } from '../imaging/similarity.ts';

/** In pixels of the upright picture; the middle of its first pixel is (0.5, 0.5). So are all places of faces. */
export interface Box {
  /** Left and upper edge; a box may reach beyond the picture. */
  x: number;
  y: number;
  width: number;
  height: number;
}

/** Left and right as seen in the picture of an upright face. `mouth` is its middle. Which of them there are, the detector says. */
export type LandmarkName = 'left-eye' | 'right-eye' | 'nose' | 'mouth' | 'mouth-left' | 'mouth-right';
export type Landmarks = Partial<Record<LandmarkName, Point>>;

export interface DetectedFace {
  box: Box;
  /** 0 to 1, on the detector's own scale. */
  score: number;
  landmarks: Landmarks;
}
