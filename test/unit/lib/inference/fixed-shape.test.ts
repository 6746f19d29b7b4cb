import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { ModelCard } from '../../../../functions/lib/contracts/model-card.ts';
import { type FixedInput, fixShapes } from '../../../../functions/lib/inference/fixed-shape.ts';
import { openSession, type Session } from '../../../../functions/lib/inference/session.ts';
import { fixtureModel } from '../../../support/model-cards.ts';

type Name = Parameters<typeof fixtureModel>[0];

/** Opens a fixture's file as it is rewritten; opening compares names, types and shapes with the card. */
async function openFixed(
  name: Name,
  inputs: Record<string, FixedInput>,
  outputs: string[],
  changes: (card: ModelCard) => Partial<ModelCard>,
): Promise<Session> {
  const { card, path } = fixtureModel(name);
  const folder = await mkdtemp(join(tmpdir(), 'iqpir-fixed-'));
  const fixed = { card: { ...card, ...changes(card) }, path: join(folder, 'fixed.onnx') };
  const bytes = fixShapes(await readFile(path), inputs, outputs);
  await writeFile(fixed.path, bytes);
  fixed.card.sha256 = createHash('sha256').update(bytes).digest('hex');
  fixed.card.bytes = bytes.length;
  const session = await openSession(fixed, { device: 'cpu', threads: 1 });
  onTestFinished(async () => {
    await session.close();
    await rm(folder, { recursive: true });
  });
  return session;
}

const float = (...dims: number[]): FixedInput => ({ type: 'float32', dims });

function withShapes(tensors: ModelCard['inputs'], shapes: Record<string, number[]>): ModelCard['inputs'] {
  return tensors.map((tensor) => ({ ...tensor, shape: shapes[tensor.name] ?? tensor.shape }));
}

function feeds(side: number) {
  const pixels = Float32Array.from({ length: 3 * side * side }, (_, index) => ((index * 7919) % 1000) / 1000);
  return {
    image: { ...float(1, 3, side, side), data: pixels },
    score: { ...float(1), data: Float32Array.of(0.8) },
    fidelity: { ...float(1), data: Float32Array.of(0.5) },
  };
}

describe('a model rewritten for one shape', () => {
  const inputs = { image: float(1, 3, 64, 64), score: float(1), fidelity: float(1) };
  const at64 = (card: ModelCard) => ({
    inputs: withShapes(card.inputs, { image: [1, 3, 64, 64], score: [1] }),
    // onnxruntime knows what comes out of it: nothing about the file's shapes is left to be computed.
    outputs: withShapes(card.outputs, { restored: [1, 3, 64, 64] }),
  });

  test('declares that shape, and computes what it computed', async () => {
    const fixed = await openFixed('local', inputs, ['restored'], at64);
    const whole = await openSession(fixtureModel('local'), { device: 'cpu', threads: 1 });
    onTestFinished(() => whole.close());
    const [found, expected] = [await fixed.run(feeds(64)), await whole.run(feeds(64))];
    expect(found.outputs.restored?.data).toEqual(expected.outputs.restored?.data);
  });

  test('refuses any other', async () => {
    const fixed = await openFixed('local', inputs, ['restored'], at64);
    await expect(fixed.run(feeds(32))).rejects.toMatchObject({ code: 'inference-failed' });
  });

  test('has only the outputs that somebody reads, and is shorter by what the others needed', async () => {
    const judge = fixtureModel('judge');
    const bytes = await readFile(judge.path);
    const both = fixShapes(bytes, {}, ['score', 'weight']);
    expect(Buffer.compare(both, bytes)).toBe(0);
    const one = await openFixed('judge', {}, ['score'], ({ outputs }) => ({
      outputs: outputs.filter(({ name }) => name === 'score'),
    }));
    const { outputs } = await one.run({ image: feeds(64).image });
    expect(Object.keys(outputs)).toEqual(['score']);
    expect(one.card.bytes).toBeLessThan(both.length);
  });
});
