import { z } from 'zod';
import { RestorationError } from '../../lib/contracts/errors.ts';

/** As TensorFlow.js writes it: tensors one after another in a file, some in 8 bits with a scale and a least value. */
const Manifest = z
  .array(
    z.object({
      weights: z.array(
        z.object({
          name: z.string(),
          shape: z.array(z.int().positive()),
          dtype: z.literal('float32'),
          quantization: z.object({ dtype: z.literal('uint8'), scale: z.number(), min: z.number() }).optional(),
        }),
      ),
    }),
  )
  .length(1);

export interface Weight {
  shape: number[];
  values: Float32Array;
}

/**
 * @param manifest the JSON text beside the weights
 * @param bytes of the weights' file
 * @throws `model-mismatch` where one is not what the other says
 */
export function readWeights(manifest: string, bytes: Buffer): Map<string, Weight> {
  const weights = new Map<string, Weight>();
  let from = 0;
  for (const { name, shape, quantization } of Manifest.parse(JSON.parse(manifest)).flatMap((group) => group.weights)) {
    const count = shape.reduce((product, side) => product * side, 1);
    const end = from + count * (quantization ? 1 : 4);
    if (end > bytes.length) throw mismatch(`"${name}" ends at byte ${end}, the file at ${bytes.length}`);
    const stored = bytes.subarray(from, end);
    const values = quantization
      ? Float32Array.from(stored, (value) => value * quantization.scale + quantization.min)
      : Float32Array.from({ length: count }, (_, index) => stored.readFloatLE(4 * index));
    weights.set(name, { shape, values });
    from = end;
  }
  if (from !== bytes.length) throw mismatch(`the tensors end at byte ${from}, the file at ${bytes.length}`);
  return weights;
}

/** @throws `model-mismatch` where there is no such tensor, or one of another shape */
export function weightOf(weights: Map<string, Weight>, name: string, shape: number[]): Float32Array {
  const weight = weights.get(name);
  if (String(weight?.shape) === String(shape) && weight) return weight.values;
  throw mismatch(`"${name}" is [${weight?.shape.join(', ') ?? 'missing'}], not [${shape.join(', ')}]`);
}

function mismatch(detail: string): RestorationError {
  const message = `Expected the weights of dlib's face recognition net but ${detail}. Take them from @vladmandic/face-api 1.7.15.`;
  return new RestorationError('model-mismatch', message);
}
