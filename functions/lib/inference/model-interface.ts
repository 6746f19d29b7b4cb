import { RestorationError } from '../contracts/errors.ts';
import type { ModelCard } from '../contracts/model-card.ts';
import type { DeclaredTensor, TensorValue } from './messages.ts';

type CardTensor = ModelCard['inputs'][number];
type Role = CardTensor['role'];

/** Whether a quality can be requested of this model, 0 to 1. */
export function acceptsScore(card: ModelCard): boolean {
  return card.inputs.some(({ role }) => role === 'score');
}

/** Whether the share of the source's own details can be chosen, 0 to 1. */
export function acceptsFidelity(card: ModelCard): boolean {
  return card.inputs.some(({ role }) => role === 'fidelity');
}

/** @throws `model-mismatch` where the card declares no such tensor */
export function tensorFor(card: ModelCard, side: 'inputs' | 'outputs', role: Role): CardTensor {
  const tensor = card[side].find((one) => one.role === role);
  if (tensor) return tensor;
  const message = `Expected the card of "${card.id}" to name one of its ${side} with role "${role}" but none has it. Add it to the card.`;
  throw new RestorationError('model-mismatch', message);
}

/**
 * Compares a card with what the ONNX file itself declares: every name, type and shape, on both sides.
 * @throws `model-mismatch` naming every difference
 */
export function checkInterface(card: ModelCard, inputs: DeclaredTensor[], outputs: DeclaredTensor[]): void {
  const differences = [
    ...compare('input', card.inputs, inputs),
    ...compare('output', card.outputs, outputs),
    ...requiredRoles(card),
  ];
  if (differences.length === 0) return;
  const message = `Expected the file of model "${card.id}" to match its card but ${differences.join('; ')}. Correct the card or the export.`;
  throw new RestorationError('model-mismatch', message);
}

function compare(side: string, expected: CardTensor[], declared: DeclaredTensor[]): string[] {
  const differences: string[] = [];
  for (const tensor of expected) {
    const found = declared.find(({ name }) => name === tensor.name);
    if (!found) {
      const names = declared.map(({ name }) => name).join(', ');
      differences.push(`the file has no ${side} "${tensor.name}" (it has ${names})`);
    } else if (found.type !== tensor.type) {
      differences.push(`${side} "${tensor.name}" is ${found.type}, not ${tensor.type}`);
    } else if (!sameShape(tensor.shape, found.shape)) {
      differences.push(`${side} "${tensor.name}" is [${found.shape.join(', ')}], not [${tensor.shape.join(', ')}]`);
    }
  }
  const names = new Set(expected.map(({ name }) => name));
  const extra = declared.filter(({ name }) => !names.has(name));
  return [...differences, ...extra.map(({ name }) => `the card does not mention ${side} "${name}"`)];
}

/** Fixed sides must be equal, free ones free on both sides; what a free side is called does not matter. */
function sameShape(expected: (string | number)[], found: (string | number)[]): boolean {
  if (expected.length !== found.length) return false;
  return expected.every((side, axis) =>
    typeof side === 'number' ? side === found[axis] : typeof found[axis] !== 'number',
  );
}

/** What a card must say for each task, beside an input with role `image`. */
const required: Record<ModelCard['task'], { output: Role; fields: (keyof ModelCard)[]; called: string }> = {
  restore: { output: 'restored', fields: ['tiling'], called: 'a restorer' },
  assess: { output: 'score', fields: ['crops', 'metric'], called: 'an assessment' },
  'detect-faces': { output: 'detections', fields: ['detector'], called: 'a face detector' },
  'restore-face': { output: 'restored', fields: ['face'], called: 'a face restorer' },
  'embed-face': { output: 'embedding', fields: ['face'], called: 'a face embedder' },
};

function requiredRoles(card: ModelCard): string[] {
  const { output, fields, called } = required[card.task];
  const differences: string[] = [];
  if (!card.inputs.some(({ role }) => role === 'image')) differences.push('the card names no input with role "image"');
  if (!card.outputs.some(({ role }) => role === output))
    differences.push(`the card names no output with role "${output}"`);
  for (const field of fields) {
    if (card[field] === undefined) differences.push(`the card of ${called} says no "${field}"`);
  }
  return differences;
}

/** The smallest feeds that a card allows: pictures of the minimum's size, one of everything else that is free. */
export function smallestFeeds({ inputs, size }: ModelCard): Record<string, Pick<TensorValue, 'type' | 'dims'>> {
  const side = Math.ceil(size.minimum / size.multiple) * size.multiple;
  return Object.fromEntries(
    inputs.map(({ name, role, type, shape }) => {
      const dims = shape.map((free, axis) =>
        // Whatever is free of a picture, but for how many there are, is one of its sides.
        typeof free === 'number' ? free : role === 'image' && axis > 0 ? side : 1,
      );
      return [name, { type, dims }];
    }),
  );
}
