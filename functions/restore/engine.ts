import { createHash } from 'node:crypto';
import { RestorationError } from '../lib/contracts/errors.ts';
import type { ModelCard } from '../lib/contracts/model-card.ts';
import type { DeliveredRecord, FaceTreatment } from '../lib/contracts/record.ts';
import type { Settings } from '../lib/contracts/settings.ts';
import type { Image } from '../lib/imaging/image.ts';
import type { Device } from '../lib/inference/messages.ts';
import { findModel, type RegisteredModel } from '../lib/inference/registry.ts';
import { type Restored, type RestoreProgress, restoreImage } from '../lib/inference/run-model.ts';
import { openSession } from '../lib/inference/session.ts';
import { type Assessment, assess } from '../lib/quality/assessment.ts';
import { type FaceEngine, type FaceModels, findFaceModels, openFaces } from './face-models.ts';
import { checkRequest, type Plan } from './plan.ts';

/** The models that a request needs, verified and loaded: a restorer, and the assessment that its card's decision rests on. */
export interface Engine {
  readonly restorer: ModelCard;
  readonly device: Device;
  /** sha256 of every model that takes part, and of what the decision goes by: half of a result's identity. */
  readonly hashes: string[];
  readonly models: DeliveredRecord['models'];
  /** Left out where faces are treated as the rest of the picture; `facesLeft` says why. */
  readonly faces?: FaceEngine;
  readonly facesLeft?: FaceTreatment;
  assess(image: Image, signal?: AbortSignal): Promise<Assessment>;
  restore(image: Image, plan: Plan, progress: RestoreProgress): Promise<Restored>;
  close(): Promise<void>;
}

/** What is known of an engine's models before they are loaded. */
type EngineFacts = Pick<Engine, 'restorer' | 'device' | 'hashes' | 'models' | 'facesLeft'>;

/** @throws RestorationError `model-not-found`, `model-mismatch`, `invalid-configuration` */
export function describeModels(registry: RegisteredModel[], settings: Settings, device: Device): EngineFacts {
  const { restorer, assessor, faces } = findModels(registry, settings);
  const faceModels = 'detector' in faces ? [faces.detector, faces.restorer, faces.embedder] : [];
  const cards = [restorer, assessor, ...faceModels].flatMap((model) => model?.card ?? []);
  return {
    restorer: restorer.card,
    device,
    hashes: [...cards.map(({ sha256 }) => sha256), hashDecision(restorer.card)],
    models: cards.map(({ id, task, modelVersion, sha256 }) => ({ id, task, version: modelVersion, sha256 })),
    ...(!('detector' in faces) && { facesLeft: faces }),
  };
}

/**
 * @throws RestorationError `model-not-found`, `model-mismatch`, `device-unavailable`, `invalid-configuration`: all of them
 *   before the first picture
 */
export async function openEngine(
  registry: RegisteredModel[],
  settings: Settings,
  options: { device: Device; threads: number },
): Promise<Engine> {
  const { restorer, assessor, faces } = findModels(registry, settings);
  const opened: { close(): Promise<void> }[] = [];
  const close = async () => {
    await Promise.all(opened.map((model) => model.close()));
  };
  const open = async <Model extends { close(): Promise<void> }>(opening: Promise<Model>): Promise<Model> => {
    const model = await opening;
    opened.push(model);
    return model;
  };
  try {
    const restoring = await open(openSession(restorer, options));
    const assessing = await open(openSession(assessor, options));
    return {
      ...describeModels(registry, settings, options.device),
      ...('detector' in faces && { faces: await open(openFaces(faces, options)) }),
      assess: (image, signal) => assess(image, assessing, signal),
      restore: (image, { score, fidelity }, progress) => restoreImage(restoring, image, { score, fidelity }, progress),
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

function hashDecision(card: ModelCard): string {
  const { assess, good, margin, largestChange } = decisionOf(card);
  return createHash('sha256').update(JSON.stringify({ assess, good, margin, largestChange })).digest('hex');
}

function findModels(registry: RegisteredModel[], settings: Settings) {
  const restorer = findModel(registry, settings.model, 'restore');
  checkRequest(settings, restorer.card);
  const assessor = findModel(registry, decisionOf(restorer.card).assess, 'assess');
  const faces: FaceModels | FaceTreatment = findFaceModels(registry, settings, assessor.card);
  return { restorer, assessor, faces };
}

/** What a restorer's card says of delivering its results; without it nobody could tell better from worse. */
export function decisionOf(card: ModelCard): NonNullable<ModelCard['decision']> {
  if (card.decision) return card.decision;
  throw new RestorationError(
    'model-mismatch',
    `Expected "decision" in the card of restorer "${card.id}": which assessment decides, what is good, and by which margin. Add it.`,
  );
}
