import { RestorationError } from '../contracts/errors.ts';
import type { Image } from '../imaging/image.ts';
import { tensorFor } from '../inference/model-interface.ts';
import { pictureFeed } from '../inference/picture-feed.ts';
import type { Session } from '../inference/session.ts';
import { alignFace } from './align.ts';
import type { Landmarks } from './face.ts';

/** A point in a space where faces of one person lie close together. */
export interface Embedding {
  values: Float32Array;
  /** Inside the model alone. */
  seconds: number;
}

/**
 * @param image a photograph, or a crop of one
 * @param landmarks in pixels of the image
 * @param session of a model with task `embed-face`
 * @returns undefined where the landmarks do not say where the face is, see `alignFace`
 * @throws `inference-failed` also where the model's answer is no embedding
 */
export async function embedFace(image: Image, landmarks: Landmarks, session: Session): Promise<Embedding | undefined> {
  const { card } = session;
  const input = tensorFor(card, 'inputs', 'image');
  const output = tensorFor(card, 'outputs', 'embedding');
  const aligned = alignFace(image, { landmarks }, card.face?.template);
  if (!aligned) return undefined;
  const { outputs, seconds } = await session.run({ [input.name]: pictureFeed(aligned.crop, input) });
  const values = outputs[output.name]?.data;
  if (!(values instanceof Float32Array) || values.length === 0 || !values.every(Number.isFinite)) {
    const message = `Expected an embedding from model "${card.id}" but its answer is none. Verify its file (iqpir models verify).`;
    throw new RestorationError('inference-failed', message);
  }
  return { values, seconds };
}

/** Euclidean; how much of it makes two people says the card of the model that both come from. */
export function distanceBetween(a: Embedding, b: Embedding): number {
  return Math.sqrt(a.values.reduce((sum, value, index) => sum + (value - (b.values[index] ?? 0)) ** 2, 0));
}
