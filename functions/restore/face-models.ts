import type { ModelCard } from '../lib/contracts/model-card.ts';
import type { FaceTreatment } from '../lib/contracts/record.ts';
import type { Settings } from '../lib/contracts/settings.ts';
import { type Detection, detectFaces } from '../lib/faces/detect.ts';
import { distanceBetween, embedFace } from '../lib/faces/embed.ts';
import type { Landmarks } from '../lib/faces/face.ts';
import type { Image } from '../lib/imaging/image.ts';
import type { Device } from '../lib/inference/messages.ts';
import { acceptsFidelity, acceptsScore } from '../lib/inference/model-interface.ts';
import { installedFor, type RegisteredModel } from '../lib/inference/registry.ts';
import { type Restored, restoreImage } from '../lib/inference/run-model.ts';
import { openSession, type Session } from '../lib/inference/session.ts';

/** What faces are restored by. */
export interface FaceModels {
  detector: RegisteredModel;
  restorer: RegisteredModel;
  /** The identity guard's second measure; it need not be installed. */
  embedder?: RegisteredModel;
}

/** The same, loaded. */
export interface FaceEngine {
  readonly restorer: ModelCard;
  readonly embedder?: ModelCard;
  detect(image: Image, signal?: AbortSignal): Promise<Detection>;
  /** How far two aligned faces lie from each other, where there is a model to embed them. */
  distance?(a: Image, b: Image, landmarks: Landmarks): Promise<{ value: number; seconds: number } | undefined>;
  /** @param wishes those of the request that the model takes; the others are its card's defaults */
  restore(crop: Image, wishes: Pick<Settings, 'score' | 'fidelity'>, signal?: AbortSignal): Promise<Restored>;
  close(): Promise<void>;
}

/**
 * Of several models for a task the last one is taken: users' own are listed after the shipped ones. A face restorer decides by
 * the scale that the picture's restorer decides by, so that one assessment serves both.
 * @param assessor of the picture's restorer
 * @returns the models, or why faces are treated as the rest of the picture
 */
export function findFaceModels(
  registry: RegisteredModel[],
  settings: Settings,
  assessor: ModelCard,
): FaceModels | FaceTreatment {
  if (settings.faces === 'off') return left('off', 'Faces were treated as the rest of the picture, as asked.');
  const restorer = installedFor(registry, 'restore-face').findLast(({ card }) => card.decision?.assess === assessor.id);
  if (!restorer) {
    const why = `no model to restore them that is judged by ${assessor.id} is installed`;
    return left('no-model', `Faces were treated as the rest of the picture: ${why}.`);
  }
  const detector = installedFor(registry, 'detect-faces').at(-1);
  if (!detector) {
    return left('no-model', 'Faces were treated as the rest of the picture: no model to detect them is installed.');
  }
  return { detector, restorer, embedder: installedFor(registry, 'embed-face').at(-1) };
}

/** @throws RestorationError `model-not-found`, `model-mismatch`, `device-unavailable` */
export async function openFaces(
  { detector, restorer, embedder }: FaceModels,
  options: { device: Device; threads: number },
): Promise<FaceEngine> {
  const opened: Session[] = [];
  const close = async () => {
    await Promise.all(opened.map((session) => session.close()));
  };
  const open = async (model: RegisteredModel): Promise<Session> => {
    const session = await openSession(model, options);
    opened.push(session);
    return session;
  };
  try {
    const detecting = await open(detector);
    const restoring = await open(restorer);
    const embedding = embedder && (await open(embedder));
    return {
      restorer: restorer.card,
      embedder: embedder?.card,
      distance: embedding && ((a, b, landmarks) => distanceOf(a, b, landmarks, embedding)),
      detect: (image, signal) => detectFaces(image, detecting, signal),
      restore: (crop, wishes, signal) => restoreImage(restoring, crop, takenBy(restorer.card, wishes), { signal }),
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

async function distanceOf(a: Image, b: Image, landmarks: Landmarks, session: Session) {
  const one = await embedFace(a, landmarks, session);
  const other = await embedFace(b, landmarks, session);
  if (!one || !other) return undefined;
  return { value: distanceBetween(one, other), seconds: one.seconds + other.seconds };
}

/** What of a request this model has inputs for: the rest was meant for the picture's restorer. */
function takenBy(card: ModelCard, { score, fidelity }: Pick<Settings, 'score' | 'fidelity'>) {
  return { ...(acceptsScore(card) && { score }), ...(acceptsFidelity(card) && { fidelity }) };
}

function left(reason: FaceTreatment['reason'], message: string): FaceTreatment {
  return { as: 'the-rest', reason, message };
}
