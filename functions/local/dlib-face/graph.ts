import type { OnnxConstant, OnnxGraph, OnnxNode } from '../../lib/inference/onnx-file.ts';
import { type Weight, weightOf } from './weights.ts';

/**
 * dlib's recognition net: a convolution and a pooling, then residual blocks of two convolutions each. A block that halves its
 * side averages what it adds to, and fills up with zeros what either side lacks: channels of the one, a row and a column of the
 * other. Sides of a face of 150 px: 35, 17, 8, 4, 2.
 */
const blocks: { name: string; from: number; to: number; halves?: true; lacksRow?: true }[] = [
  { name: 'conv32_1', from: 32, to: 32 },
  { name: 'conv32_2', from: 32, to: 32 },
  { name: 'conv32_3', from: 32, to: 32 },
  { name: 'conv64_down', from: 32, to: 64, halves: true },
  { name: 'conv64_1', from: 64, to: 64 },
  { name: 'conv64_2', from: 64, to: 64 },
  { name: 'conv64_3', from: 64, to: 64 },
  { name: 'conv128_down', from: 64, to: 128, halves: true },
  { name: 'conv128_1', from: 128, to: 128 },
  { name: 'conv128_2', from: 128, to: 128 },
  { name: 'conv256_down', from: 128, to: 256, halves: true, lacksRow: true },
  { name: 'conv256_1', from: 256, to: 256 },
  { name: 'conv256_2', from: 256, to: 256 },
  { name: 'conv256_down_out', from: 256, to: 256, halves: true, lacksRow: true },
];

/** px */
const faceSide = 150;
const embeddingLength = 128;

/**
 * @param weights of the package's `face_recognition_model`, by name
 * @returns `image` [N, 3, 150, 150] in, `embedding` [N, 128] out
 * @throws `model-mismatch` where a tensor is missing or has another shape
 */
export function dlibFaceGraph(weights: Map<string, Weight>): OnnxGraph {
  const nodes: OnnxNode[] = [];
  const constants: OnnxConstant[] = [];
  const add = (operator: string, inputs: string[], output: string, attributes: OnnxNode['attributes'] = {}): string => {
    nodes.push({ operator, inputs, output, attributes });
    return output;
  };
  const constant = (name: string, dims: number[], values: OnnxConstant['values']): string => {
    constants.push({ name, dims, values });
    return name;
  };
  const convolution = (
    input: string,
    name: string,
    sides: { kernel: number; from: number; to: number },
    stride: number,
  ) => {
    const { kernel, from, to } = sides;
    const { filters, bias } = foldScale(weights, name, sides);
    const tensors = [
      input,
      constant(`${name}/filters`, [to, from, kernel, kernel], filters),
      constant(`${name}/bias`, [to], bias),
    ];
    const pad = stride === 1 ? (kernel - 1) / 2 : 0;
    return add('Conv', tensors, name, {
      kernel_shape: [kernel, kernel],
      strides: [stride, stride],
      pads: [pad, pad, pad, pad],
    });
  };
  const filledUp = (input: string, name: string, pads: number[]): string =>
    add('Pad', [input, constant(`${name}/pads`, [8], BigInt64Array.from(pads, BigInt))], name);

  const stem = add('Relu', [convolution('image', 'conv32_down', { kernel: 7, from: 3, to: 32 }, 2)], 'stem');
  let current = add('MaxPool', [stem], 'stem/pooled', { kernel_shape: [3, 3], strides: [2, 2] });
  for (const { name, from, to, halves, lacksRow } of blocks) {
    const first = convolution(current, `${name}/conv1`, { kernel: 3, from, to }, halves ? 2 : 1);
    const inner = add('Relu', [first], `${name}/inner`);
    let change = convolution(inner, `${name}/conv2`, { kernel: 3, from: to, to }, 1);
    let kept = current;
    if (halves) kept = add('AveragePool', [kept], `${name}/halved`, { kernel_shape: [2, 2], strides: [2, 2] });
    if (from !== to) kept = filledUp(kept, `${name}/widened`, [0, 0, 0, 0, 0, to - from, 0, 0]);
    if (lacksRow) change = filledUp(change, `${name}/enlarged`, [0, 0, 0, 0, 0, 0, 1, 1]);
    current = add('Relu', [add('Add', [kept, change], `${name}/sum`)], name);
  }
  const means = add('Flatten', [add('GlobalAveragePool', [current], 'means')], 'flat', { axis: 1 });
  const last = constant('fc/weights', [256, embeddingLength], weightOf(weights, 'fc', [256, embeddingLength]));
  add('MatMul', [means, last], 'embedding');
  return {
    name: 'dlib-face',
    inputs: [{ name: 'image', shape: ['N', 3, faceSide, faceSide] }],
    outputs: [{ name: 'embedding', shape: ['N', embeddingLength] }],
    nodes,
    constants,
  };
}

/** The net scales and shifts each convolution's channels: here its filters and bias do that. Filters from [h, w, in, out] to [out, in, h, w]. */
function foldScale(
  weights: Map<string, Weight>,
  name: string,
  { kernel, from, to }: { kernel: number; from: number; to: number },
) {
  const stored = weightOf(weights, `${name}/conv/filters`, [kernel, kernel, from, to]);
  const offset = weightOf(weights, `${name}/conv/bias`, [to]);
  const scale = weightOf(weights, `${name}/scale/weights`, [to]);
  const shift = weightOf(weights, `${name}/scale/biases`, [to]);
  const filters = new Float32Array(stored.length);
  const area = kernel * kernel;
  for (const [place, value] of stored.entries()) {
    const out = place % to;
    const input = Math.floor(place / to) % from;
    const spot = Math.floor(place / to / from);
    filters[(out * from + input) * area + spot] = value * (scale[out] ?? 0);
  }
  return { filters, bias: offset.map((value, out) => value * (scale[out] ?? 0) + (shift[out] ?? 0)) };
}
