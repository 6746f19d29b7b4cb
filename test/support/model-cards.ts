import { createHash } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { ModelCard } from '../../functions/lib/contracts/model-card.ts';
import type { RegisteredModel } from '../../functions/lib/inference/registry.ts';

type Tensors = ModelCard['inputs'];
type Changes = Partial<Omit<ModelCard, 'inputs' | 'outputs'>> & { inputs?: Tensors; outputs?: Tensors };

const free = ['N', 3, 'H', 'W'];
const image: Tensors[number] = { name: 'image', role: 'image', type: 'float32', shape: free, range: [0, 1] };
const restored: Tensors[number] = { name: 'restored', role: 'restored', type: 'float32', shape: free, range: [0, 1] };
const score: Tensors[number] = { name: 'score', role: 'score', type: 'float32', shape: ['N'] };
const fidelity: Tensors[number] = { name: 'fidelity', role: 'fidelity', type: 'float32', shape: [1] };
const alpha: Tensors[number] = { name: 'alpha', role: 'alpha', type: 'float32', shape: [1] };
const weight: Tensors[number] = { name: 'weight', role: 'weight', type: 'float32', shape: ['N'] };

const square = ['N', 3, 512, 512];
/** What the cards of face restorers have in common; the bounds are loose, a test tightens those that it is about. */
export const face = {
  task: 'restore-face',
  size: { minimum: 512, multiple: 512 },
  tiling: { tile: 512, overlap: 0, fade: 0 },
  face: { template: 'ffhq-512', largestEnlargement: 16, smallestEnlargement: 0.25, detectionScore: 0.8, misfit: 0.06 },
} as const satisfies Changes;

const detections = (
  [
    ['cls', 1],
    ['obj', 1],
    ['bbox', 4],
    ['kps', 10],
  ] as const
).flatMap(([kind, numbers]) =>
  [8, 16, 32].map((stride): Tensors[number] => ({
    name: `${kind}_${stride}`,
    role: 'detections',
    type: 'float32',
    shape: ['N', 'cells', numbers],
  })),
);

/** What differs between the models of test/fixtures/models, which make_models.py explains. */
const fixtures = {
  identity: {},
  local: {
    inputs: [image, score, fidelity],
    size: { minimum: 32, multiple: 32 },
    tiling: { tile: 256, overlap: 64, fade: 0 },
    defaults: { score: 0.9, fidelity: 1 },
  },
  drifting: { tiling: { tile: 64, overlap: 8, fade: 16 } },
  broken: {},
  greedy: { size: { minimum: 32, multiple: 32 }, tiling: { tile: 256, overlap: 0, fade: 0 } },
  polish: {
    ...face,
    inputs: [{ ...image, shape: square, range: [-1, 1] }, score, alpha],
    outputs: [{ ...restored, shape: square, range: [-1, 1] }],
    defaults: { score: 0.9, alpha: 1 },
  },
  stranger: {
    ...face,
    inputs: [{ ...image, shape: square }],
    outputs: [{ ...restored, shape: square }],
  },
  judge: {
    task: 'assess',
    outputs: [score, weight],
    size: { minimum: 64, multiple: 32 },
    tiling: undefined,
    crops: { size: 256, maximum: 12 },
    metric: { name: 'brightness', range: [0, 1], direction: 'higher-is-better' },
  },
  spots: {
    task: 'detect-faces',
    inputs: [{ ...image, name: 'input', range: [0, 255], channels: 'bgr' }],
    outputs: detections,
    size: { minimum: 32, multiple: 32 },
    tiling: undefined,
    // So that a second look puts the face into the middle of a cell.
    detector: { decoder: 'yunet', threshold: 0.7, window: 256, faces: [24, 36] },
  },
} as const satisfies Record<string, Changes | object>;

/** A small real model with its card: the file's own size and hash, and what the test wants to be different. */
export function fixtureModel(name: keyof typeof fixtures, changes: Changes = {}): RegisteredModel {
  const path = fileURLToPath(new URL(`../fixtures/models/${name}.onnx`, import.meta.url));
  const card = ModelCard.parse({
    version: 1,
    id: name,
    modelVersion: '1',
    title: `The ${name} fixture`,
    task: 'restore',
    file: `${name}.onnx`,
    sha256: createHash('sha256').update(readFileSync(path)).digest('hex'),
    bytes: statSync(path).size,
    precision: 'fp32',
    inputs: [image],
    outputs: [restored],
    size: { minimum: 1, multiple: 1 },
    tiling: { tile: 64, overlap: 0, fade: 0 },
    licence: { weights: 'Apache-2.0', code: 'Apache-2.0' },
    training: { summary: 'None; made by make_models.py.' },
    ...fixtures[name],
    ...changes,
  });
  return { card, path };
}
