import { RestorationError } from '../contracts/errors.ts';
import type { ModelCard } from '../contracts/model-card.ts';
import type { Image } from '../imaging/image.ts';
import { tensorFor } from '../inference/model-interface.ts';
import { pictureFeed } from '../inference/picture-feed.ts';
import type { RunResult, Session } from '../inference/session.ts';
import { decodeBlazeFace } from './blazeface.ts';
import type { DetectedFace, LandmarkName, Point } from './face.ts';
import { octavesOf, viewOf } from './pyramid.ts';
import { suppress } from './suppress.ts';
import { planViews, type View, zoomOf } from './views.ts';
import { decodeYuNet } from './yunet.ts';

type Detector = NonNullable<ModelCard['detector']>;
type Decode = (outputs: Float32Array[], threshold: number, width: number) => DetectedFace[];

const decoders: Record<Detector['decoder'], Decode> = { 'blazeface-back': decodeBlazeFace, yunet: decodeYuNet };

export interface Detection {
  /** Best first, in pixels of the picture. */
  faces: DetectedFace[];
  /** Inside the model alone. */
  seconds: number;
}

/**
 * Finds faces from 24 px to the whole picture: view by view at every octave, so that memory is a third of the picture and
 * one view. The picture must be upright: faces that lie on their side are mostly not found.
 * @param session of a model with task `detect-faces`
 * @throws `inference-failed`, `interrupted` where the signal was raised or the session closed
 */
export async function detectFaces(image: Image, session: Session, signal?: AbortSignal): Promise<Detection> {
  const { card } = session;
  const { detector } = card;
  if (!detector) {
    const message = `Expected "detector" in the card of "${card.id}" but it has none. Add it.`;
    throw new RestorationError('model-mismatch', message);
  }
  const zoom = zoomOf(detector);
  const octaves = octavesOf(image, detector.faces[1] / zoom);
  const found: DetectedFace[] = [];
  let seconds = 0;
  for (const view of planViews(image.width, image.height, detector, card.size)) {
    if (signal?.aborted)
      throw new RestorationError('interrupted', 'Interrupted while faces were looked for. Start again.');
    const octave = octaves[view.octave];
    if (!octave) throw new Error(`Expected octave ${view.octave} of the picture.`);
    const shown = viewOf(octave, view.area, zoom);
    const input = tensorFor(card, 'inputs', 'image');
    const run = await session.run({ [input.name]: pictureFeed(shown, input) });
    seconds += run.seconds;
    for (const face of decoders[detector.decoder](detectionsOf(card, run), detector.threshold, shown.width)) {
      const seen = fromView(face, view, zoom);
      if (isWhole(seen, view)) found.push(seen);
    }
  }
  return { faces: suppress(found), seconds };
}

/** In the card's order. */
function detectionsOf(card: ModelCard, run: RunResult): Float32Array[] {
  return card.outputs
    .filter(({ role }) => role === 'detections')
    .map(({ name }) => {
      const data = run.outputs[name]?.data;
      if (data instanceof Float32Array) return data;
      throw new RestorationError(
        'model-mismatch',
        `Expected float32 from output "${name}" of model "${card.id}". Correct its card.`,
      );
    });
}

/** From pixels of the detector's input to those of the picture. */
function fromView({ score, box, landmarks }: DetectedFace, { octave, area }: View, zoom: number): DetectedFace {
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
