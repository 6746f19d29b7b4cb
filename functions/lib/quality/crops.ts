import type { ModelCard } from '../contracts/model-card.ts';
import type { Area } from '../imaging/tensor.ts';

type SizeRules = ModelCard['size'];
type Crops = NonNullable<ModelCard['crops']>;

/**
 * Where an assessment looks at a picture: crops side by side or evenly overlapping, so that they cover it, or, where that
 * would take more than `maximum`, spread over it evenly. All have the same size; a side shorter than a crop is taken whole
 * and padded right or bottom, to the model's multiple and minimum. The same recipe as `models/iqa_inference.py`.
 * @returns row by row from the top left
 */
export function planCrops(width: number, height: number, size: SizeRules, crops: Crops): Area[] {
  const wide = cropLength(width, size, crops);
  const tall = cropLength(height, size, crops);
  let columns = Math.ceil(width / wide);
  let rows = Math.ceil(height / tall);
  while (rows * columns > crops.maximum) {
    // Thin out the axis that is covered more densely.
    if (rows > 1 && (columns === 1 || rows * tall * width >= columns * wide * height)) rows--;
    else columns--;
  }
  return starts(height, tall, rows).flatMap((y) =>
    starts(width, wide, columns).map((x) => ({ x, y, width: wide, height: tall })),
  );
}

function cropLength(side: number, { minimum, multiple }: SizeRules, { size }: Crops): number {
  return Math.min(size, Math.max(minimum, Math.ceil(side / multiple) * multiple));
}

/** A single crop sits in the middle. */
function starts(side: number, length: number, count: number): number[] {
  const room = Math.max(side - length, 0);
  if (count === 1) return [Math.floor(room / 2)];
  return Array.from({ length: count }, (_, index) => Math.floor((index * room) / (count - 1) + 0.5));
}
