import { expect, onTestFinished, test } from 'vitest';
import type { RegisteredModel } from '../../../../functions/lib/inference/registry.ts';
import { openSession, type Session } from '../../../../functions/lib/inference/session.ts';
import { fixtureModel } from '../../../support/model-cards.ts';

async function opened(model: RegisteredModel): Promise<Session> {
  const session = await openSession(model, { device: 'cpu', threads: 1 });
  onTestFinished(() => session.close());
  return session;
}

const imageOf = (side: number, value: number) => ({
  type: 'float32' as const,
  dims: [1, 3, side, side],
  data: new Float32Array(3 * side * side).fill(value),
});

test('a model runs in its worker and gives its outputs by name, with the seconds it took', async () => {
  const session = await opened(fixtureModel('judge'));
  const { outputs, seconds } = await session.run({ image: imageOf(64, 0.25) });
  expect(outputs.score?.data[0]).toBeCloseTo(0.25, 6);
  expect(outputs.weight?.dims).toEqual([1]);
  expect(seconds).toBeGreaterThan(0);
  expect(seconds).toBeLessThan(5);
});
