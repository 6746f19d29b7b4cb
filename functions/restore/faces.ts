import { RestorationError } from '../lib/contracts/errors.ts';
import type { Face, FaceTreatment } from '../lib/contracts/record.ts';
import type { Settings } from '../lib/contracts/settings.ts';
import { type AlignedFace, alignFace, cropFace } from '../lib/faces/align.ts';
import { consistencyOf } from '../lib/faces/consistency.ts';
import type { DetectedFace } from '../lib/faces/face.ts';
import { pasteFace } from '../lib/faces/paste.ts';
import type { Image } from '../lib/imaging/image.ts';
import { findBlank } from '../lib/quality/guards.ts';
import { decisionOf, type Engine } from './engine.ts';
import type { FaceEngine } from './face-models.ts';
import { findUnsuitable, judgeFace, type Verdict } from './judge-face.ts';

/** A face that was found, and what the network made of it where it may take its place. */
interface TreatedFace {
  record: Face;
  restored?: { aligned: AlignedFace; image: Image };
}

/** All faces of a picture, the surest first. */
export interface TreatedFaces {
  faces: TreatedFace[];
  /** Inside the models alone. */
  seconds: number;
}

export interface FaceProgress {
  /** After every face. */
  onFace?(done: number, total: number): void;
  /** Obeyed between faces. */
  signal?: AbortSignal;
}

/** So many crops are kept until they are pasted: 80 MB at 8 bit. */
const mostFaces = 100;

/**
 * Finds the faces of a picture and has each restored that can be, from the source's own pixels. Nothing is pasted yet.
 * @param background what the picture's restorer made of it; a face must be better there, too
 * @throws RestorationError `inference-failed`, `interrupted`
 */
export async function restoreFaces(
  source: Image,
  background: Image | undefined,
  { settings, engine, models }: { settings: Settings; engine: Pick<Engine, 'assess'>; models: FaceEngine },
  { onFace, signal }: FaceProgress,
): Promise<TreatedFaces> {
  const detection = await models.detect(source, signal);
  const treated: TreatedFaces = { faces: [], seconds: detection.seconds };
  for (const [index, face] of detection.faces.entries()) {
    if (signal?.aborted) throw new RestorationError('interrupted', 'Stopped between two faces. Run again to go on.');
    treated.faces.push(await treat(face, index));
    onFace?.(index + 1, detection.faces.length);
  }
  return treated;

  async function treat(face: DetectedFace, index: number): Promise<TreatedFace> {
    const card = models.restorer;
    const always = settings.deliver === 'always';
    const { good, margin } = decisionOf(card);
    const aligned = alignFace(source, face, card.face?.template);
    const found = describe(face, source, settings.scale, aligned);
    const ended = (verdict: Verdict, more: Partial<Face> = {}): TreatedFace => ({
      record: { ...found, ...more, ...verdict },
    });
    const unsuitable = findUnsuitable({ card, scale: settings.scale }, source, face, aligned);
    if (unsuitable || !aligned) return ended(unsuitable ?? { status: 'uncertain', reason: 'It cannot be aligned.' });
    if (index >= mostFaces) {
      return ended({ status: 'kept', reason: `Of one picture the ${mostFaces} surest faces are restored.` });
    }

    const before = await score(aligned.crop);
    if (!always && before >= good) {
      const reason = `Its score is ${before.toFixed(3)}, at or above ${good}: nothing to restore.`;
      return ended({ status: 'kept', reason }, { quality: { before } });
    }
    const restored = await models.restore(aligned.crop, settings, signal);
    treated.seconds += restored.seconds;
    const blank = findBlank(aligned.crop, restored);
    if (blank) return ended({ status: 'worse', reason: blank }, { quality: { before } });

    const after = await score(restored.image);
    const consistency = rounded(consistencyOf(aligned.crop, restored.image));
    const distance = await models.distance?.(aligned.crop, restored.image, aligned.landmarks);
    treated.seconds += distance?.seconds ?? 0;
    const identity = { consistency, ...(distance && { distance: rounded(distance.value) }) };
    const measured = {
      before,
      after,
      background: background && (await score(cropFace(background, aligned.matrix, card.face?.template ?? 'ffhq-512'))),
      ...identity,
    };
    const verdict = judgeFace({ card, embedder: models.embedder, margin, always }, measured);
    const one = ended(verdict, { quality: { before, after }, identity });
    return verdict.status === 'restored' ? { ...one, restored: { aligned, image: restored.image } } : one;
  }

  async function score(crop: Image): Promise<number> {
    const { learned, seconds } = await engine.assess(crop, signal);
    treated.seconds += seconds;
    return learned.value;
  }
}

/** How many of them may take their places. */
export function countRestored({ faces }: TreatedFaces): number {
  return faces.filter(({ restored }) => restored).length;
}

/** Puts every restored face into a picture, which is changed. */
export function pasteFaces(picture: Image, { faces }: TreatedFaces): void {
  for (const { restored } of faces) if (restored) pasteFace(picture, restored.aligned, restored.image);
}

/** What the record says of faces: where the source was delivered after all, none of them was restored. */
export function recordFaces(
  { faces }: TreatedFaces,
  delivered: 'restored' | 'original',
): { faces: Face[]; faceTreatment: FaceTreatment } {
  const records = faces.map(({ record }): Face => {
    if (delivered === 'restored' || record.status !== 'restored') return record;
    return { ...record, status: 'kept', reason: `${record.reason} The picture was left as it was.` };
  });
  const count = records.filter(({ status }) => status === 'restored').length;
  const [reason, message] =
    records.length === 0
      ? (['none-found', 'No face was found.'] as const)
      : ([count > 0 ? 'restored' : 'none-restored', `${count} of ${records.length} faces were restored.`] as const);
  return { faces: records, faceTreatment: { as: 'faces', reason, message } };
}

function describe(
  { box, landmarks, score }: DetectedFace,
  { width, height }: Image,
  scale: number,
  aligned: AlignedFace | undefined,
): Omit<Face, 'status' | 'reason'> {
  const places = Object.entries(landmarks).map(([name, { x, y }]) => [
    name,
    { x: rounded(x / width), y: rounded(y / height) },
  ]);
  return {
    box: {
      x: rounded(box.x / width),
      y: rounded(box.y / height),
      width: rounded(box.width / width),
      height: rounded(box.height / height),
    },
    landmarks: Object.fromEntries(places),
    detectionScore: rounded(score),
    sourcePixels: rounded(Math.max(box.width, box.height) / scale),
    ...(aligned && { enlargement: rounded(aligned.enlargement * scale) }),
  };
}

/** Six decimals, as scores have: below that, values depend on the processor. */
function rounded(value: number): number {
  return Math.round(value * 1e6) / 1e6;
}
