import { describe, expect, test } from 'vitest';
import {
  acceptsFidelity,
  acceptsScore,
  checkInterface,
  tensorFor,
} from '../../../../functions/lib/inference/model-interface.ts';
import { fixtureModel } from '../../../support/model-cards.ts';

const identity = fixtureModel('identity').card;
const local = fixtureModel('local').card;
const image = { name: 'image', type: 'float32', shape: ['batch', 3, 'h', 'w'] };
const restored = { name: 'restored', type: 'float32', shape: ['batch', 3, 'h', 'w'] };

describe('what a card accepts', () => {
  test('a model with a score and a fidelity input accepts both', () => {
    expect([acceptsScore(local), acceptsFidelity(local)]).toEqual([true, true]);
  });

  test('a model that takes only the picture accepts neither', () => {
    expect([acceptsScore(identity), acceptsFidelity(identity)]).toEqual([false, false]);
  });

  test('tensors are found by their role, not by their name', () => {
    const card = { ...identity, inputs: [{ ...tensorFor(identity, 'inputs', 'image'), name: 'x' }] };
    expect(tensorFor(card, 'inputs', 'image').name).toBe('x');
  });
});

describe('checkInterface', () => {
  test('free sides may have any name', () => {
    expect(() => checkInterface(identity, [image], [restored])).not.toThrow();
  });

  test.each([
    ['a name that the file lacks', [{ ...image, name: 'input' }], [restored], /no input "image" \(it has input\)/],
    [
      'an input that the card does not know',
      [image, { ...image, name: 'mask' }],
      [restored],
      /does not mention input "mask"/,
    ],
    ['another type', [{ ...image, type: 'float16' }], [restored], /input "image" is float16, not float32/],
    ['a fixed side', [{ ...image, shape: [1, 3, 512, 512] }], [restored], /is \[1, 3, 512, 512\], not \[N, 3, H, W\]/],
    [
      'another number of channels',
      [image],
      [{ ...restored, shape: ['n', 1, 'h', 'w'] }],
      /output "restored" is \[n, 1, h, w\]/,
    ],
    ['another number of sides', [{ ...image, shape: [3, 'h', 'w'] }], [restored], /is \[3, h, w\]/],
  ])('%s is a mismatch that says what differs', (_, inputs, outputs, message) => {
    expect(() => checkInterface(identity, inputs, outputs)).toThrow(message);
  });

  test('all differences are named at once', () => {
    const act = () => checkInterface(identity, [{ ...image, type: 'int64' }], [{ ...restored, name: 'output' }]);
    expect(act).toThrow(/image.*restored.*output/);
    expect(act).toThrow(expect.objectContaining({ code: 'model-mismatch' }));
  });

  test('a restorer without tiling and an assessment without crops are incomplete cards', () => {
    expect(() => checkInterface({ ...identity, tiling: undefined }, [image], [restored])).toThrow(/says no "tiling"/);
    const judge = { ...fixtureModel('judge').card, crops: undefined };
    const number = (name: string) => ({ name, type: 'float32', shape: ['n'] });
    expect(() => checkInterface(judge, [image], [number('score'), number('weight')])).toThrow(/says no "crops"/);
  });
});
