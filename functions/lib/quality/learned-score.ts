import { pMapIterable } from 'p-map';
import { RestorationError } from '../contracts/errors.ts';
import type { Image } from '../imaging/image.ts';
import { type Area, toTensor } from '../imaging/tensor.ts';
import { tensorFor } from '../inference/model-interface.ts';
import type { Session } from '../inference/session.ts';
import { planCrops } from './crops.ts';

/** One in the model, and the next one waiting there. */
const cropsAtOnce = 2;

/**
 * The score that an assessment model gives a picture: sum(weight * score) / sum(weight) over its crops, a plain mean where
 * the model gives no weights. Crops are run one by one, so memory is that of two.
 * @param session of a model with task `assess`
 * @returns the score on the card's own scale, and the seconds inside the model
 * @throws `inference-failed` also where a score is not a number, `interrupted` where the signal was raised
 */
export async function learnedScore(
  image: Image,
  session: Session,
  signal?: AbortSignal,
): Promise<{ value: number; seconds: number }> {
  const { card } = session;
  const input = tensorFor(card, 'inputs', 'image');
  const output = tensorFor(card, 'outputs', 'score');
  const weights = card.outputs.find(({ role }) => role === 'weight');
  const crops = card.crops ?? { size: card.size.minimum, maximum: 1 };
  let sum = 0;
  let total = 0;
  let seconds = 0;
  const run = (area: Area) => {
    if (signal?.aborted)
      throw new RestorationError('interrupted', 'Interrupted while a picture was assessed. Start again.');
    const data = toTensor(image, area, 'replicate', input.range ?? [0, 1]);
    return session.run({ [input.name]: { type: 'float32', dims: [1, 3, area.height, area.width], data } });
  };
  const areas = planCrops(image.width, image.height, card.size, crops);
  for await (const { outputs, seconds: inside } of pMapIterable(areas, run, { concurrency: cropsAtOnce })) {
    const score = Number(outputs[output.name]?.data[0]);
    const weight = weights ? Number(outputs[weights.name]?.data[0]) : 1;
    if (!Number.isFinite(score) || !(weight >= 0) || weight === Number.POSITIVE_INFINITY) {
      const message = `Expected a score and a weight from model "${card.id}" but received ${score} and ${weight}. Verify its file (iqpir models verify).`;
      throw new RestorationError('inference-failed', message);
    }
    sum += weight * score;
    total += weight;
    seconds += inside;
  }
  return { value: total > 0 ? sum / total : 0, seconds };
}
