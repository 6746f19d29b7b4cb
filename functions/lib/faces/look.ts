import { RestorationError } from '../contracts/errors.ts';
import type { ModelCard } from '../contracts/model-card.ts';
import type { Image } from '../imaging/image.ts';
import type { Point } from '../imaging/similarity.ts';
import { tensorFor } from '../inference/model-interface.ts';
import { pictureFeed } from '../inference/picture-feed.ts';
import type { RunResult, Session } from '../inference/session.ts';
import { decodeBlazeFace } from './blazeface.ts';
import type { DetectedFace, LandmarkName } from './face.ts';
import { viewOf } from './pyramid.ts';
import type { View } from './views.ts';
import { decodeYuNet } from './yunet.ts';

export type Detector = NonNullable<ModelCard['detector']>;
type Decode = (outputs: Float32Array[], threshold: number, width: number) => DetectedFace[];

const decoders: Record<Detector['decoder'], Decode> = { 'blazeface-back': decodeBlazeFace, yunet: decodeYuNet };

/** @throws `model-mismatch` where the card is none of a detector */
export function detectorOf({ id, detector }: ModelCard): Detector {
  if (detector) return detector;
  throw new RestorationError('model-mismatch', `Expected "detector" in the card of "${id}" but it has none. Add it.`);
}

/**
 * Runs a detector once.
 * @returns all that score at least `threshold` and that the view does not cut, in pixels of the picture
 */
export async function look(
  session: Session,
  octaves: Image[],
  view: View,
  threshold: number,
): Promise<{ faces: DetectedFace[]; seconds: number }> {
  const { card } = session;
  const octave = octaves[view.octave];
  if (!octave) throw new Error(`Expected octave ${view.octave} of the picture.`);
  const shown = viewOf(octave, view.area, view.zoom);
  const input = tensorFor(card, 'inputs', 'image');
  const run = await session.run({ [input.name]: pictureFeed(shown, input) });
  const decode = decoders[detectorOf(card).decoder];
  const faces = decode(detectionsOf(card, run), threshold, shown.width).map((face) => fromView(face, view));
  return { faces: faces.filter((face) => isWhole(face, view)), seconds: run.seconds };
}

/** In the card's order. */
function detectionsOf(card: ModelCard, run: RunResult): Float32Array[] {
  return card.outputs
    .filter(({ role }) => role === 'detections')
    .map(({ name }) => {
      const data = run.outputs[name]?.data;
      if (data instanceof Float32Array) return data;
      const message = `Expected float32 from output "${name}" of model "${card.id}". Correct its card.`;
      throw new RestorationError('model-mismatch', message);
    });
}

/** From pixels of the detector's input to those of the picture. */
function fromView({ score, box, landmarks }: DetectedFace, { octave, area, zoom }: View): DetectedFace {
  const at = ({ x, y }: Point): Point => ({
    x: (area.x + x / zoom) * 2 ** octave,
    y: (area.y + y / zoom) * 2 ** octave,
  });
  const scale = 2 ** octave / zoom;
  const points = Object.entries(landmarks) as [LandmarkName, Point][];
  return {
    score,
    box: { ...at(box), width: box.width * scale, height: box.height * scale },
    landmarks: Object.fromEntries(points.map(([name, point]) => [name, at(point)])),
  };
}

/** A face that a view cuts is seen whole by its neighbour, or by a coarser one. */
function isWhole({ box }: DetectedFace, { octave, area, cut }: View): boolean {
  const [left, top] = [area.x * 2 ** octave, area.y * 2 ** octave];
  const right = (area.x + area.width) * 2 ** octave;
  const bottom = (area.y + area.height) * 2 ** octave;
  return !(
    (cut.left && box.x < left) ||
    (cut.top && box.y < top) ||
    (cut.right && box.x + box.width > right) ||
    (cut.bottom && box.y + box.height > bottom)
  );
}
