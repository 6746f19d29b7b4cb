import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { findModel, loadRegistry, type RegisteredModel } from '../../functions/lib/inference/registry.ts';
import { openSession, type Session } from '../../functions/lib/inference/session.ts';
import { root } from '../support/cli.ts';

/** Written by models/write_parity.py from the checkpoints that the ONNX files were exported from. */
const Parity = z.object({
  height: z.number(),
  width: z.number(),
  step: z.number(),
  'iqpir-photo': z.object({ score: z.number(), fidelity: z.number(), restored: z.string() }),
  'iqa-photo': z.object({ score: z.number(), weight: z.number() }),
});

/** Other kernels sum in another order. */
const tolerance = 1e-3;

let parity: z.infer<typeof Parity>;
let registry: RegisteredModel[];
const sessions: Session[] = [];

beforeAll(async () => {
  parity = Parity.parse(JSON.parse(await readFile(join(root, 'test', 'fixtures', 'parity.json'), 'utf8')));
  registry = await loadRegistry([join(root, 'models', 'registry.json')]);
});
afterAll(() => Promise.all(sessions.map((session) => session.close())));

async function open(id: string, task: 'restore' | 'assess'): Promise<Session> {
  const session = await openSession(findModel(registry, id, task), { device: 'cpu', threads: 2 });
  sessions.push(session);
  return session;
}

/** The same picture that models/write_parity.py draws, [1, 3, height, width]. */
function drawn() {
  const { height, width } = parity;
  const data = new Float32Array(3 * height * width);
  let at = 0;
  for (let c = 0; c < 3; c++) {
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        const waves = 0.5 + 0.25 * Math.sin(0.11 * (c + 1) * x + 0.07 * y) + 0.1 * Math.cos(0.31 * y - 0.13 * x);
        data[at++] = waves + (x + y > 100 ? 0.1 : -0.1);
      }
    }
  }
  return { type: 'float32' as const, dims: [1, 3, height, width], data };
}

const one = (value: number) => ({ type: 'float32' as const, dims: [1], data: Float32Array.of(value) });

describe('the shipped ONNX files compute what PyTorch computed', () => {
  it('iqpir-photo, every sample that was kept', async () => {
    const session = await open('iqpir-photo', 'restore');
    const { score, fidelity, restored } = parity['iqpir-photo'];
    const { outputs } = await session.run({ image: drawn(), score: one(score), fidelity: one(fidelity) });
    const bytes = Buffer.from(restored, 'base64');
    const { height, width, step } = parity;
    const [rows, columns] = [Math.ceil(height / step), Math.ceil(width / step)];
    let worst = 0;
    for (let c = 0; c < 3; c++) {
      for (let row = 0; row < rows; row++) {
        for (let column = 0; column < columns; column++) {
          const expected = bytes.readFloatLE(4 * ((c * rows + row) * columns + column));
          const is = Number(outputs.restored?.data[(c * height + row * step) * width + column * step]);
          worst = Math.max(worst, Math.abs(is - expected));
        }
      }
    }
    expect(bytes.length).toBe(4 * 3 * rows * columns);
    expect(worst).toBeLessThanOrEqual(tolerance);
  });

  it('iqa-photo, score and weight', async () => {
    const session = await open('iqa-photo', 'assess');
    const { outputs } = await session.run({ image: drawn() });
    expect(Math.abs(Number(outputs.score?.data[0]) - parity['iqa-photo'].score)).toBeLessThanOrEqual(tolerance);
    const { weight } = parity['iqa-photo'];
    expect(Math.abs(Number(outputs.weight?.data[0]) - weight)).toBeLessThanOrEqual(tolerance * Math.max(1, weight));
  });
});
