import type { ModelCard } from '../contracts/model-card.ts';
import { type Image, peakOf } from '../imaging/image.ts';
import type { TensorValue } from './messages.ts';

type CardTensor = ModelCard['inputs'][number];

/**
 * A whole picture as a card's input wants it: the order of sides and channels, and what values become.
 * @param image gray is shown as three equal channels
 * @returns [1, 3, H, W], or [1, H, W, 3] where the card's shape ends with 3
 */
export function pictureFeed(image: Image, tensor: CardTensor): TensorValue {
  const { width, height, channels, pixels } = image;
  const last = tensor.shape.at(-1) === 3;
  const plane = width * height;
  const data = new Float32Array(3 * plane);
  for (let colour = 0; colour < 3; colour++) {
    const place = tensor.channels === 'bgr' ? 2 - colour : colour;
    const { offset, factor } = valuesOf(tensor, colour, peakOf(image));
    const step = last ? 3 : 1;
    let to = last ? place : place * plane;
    for (let from = channels === 3 ? colour : 0; from < pixels.length; from += channels, to += step) {
      data[to] = offset + factor * (pixels[from] ?? 0);
    }
  }
  return { type: 'float32', dims: last ? [1, height, width, 3] : [1, 3, height, width], data };
}

function valuesOf({ range, mean, scale }: CardTensor, colour: number, peak: number) {
  if (!mean && !scale) {
    const [low, high] = range ?? [0, 1];
    return { offset: low, factor: (high - low) / peak };
  }
  const factor = scale?.[colour] ?? 1;
  return { offset: -(mean?.[colour] ?? 0) * factor, factor: (factor * 255) / peak };
}
