import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { RegisteredModel } from '../../../../functions/lib/inference/registry.ts';
import { openSession, ranOutOfMemory, type Session } from '../../../../functions/lib/inference/session.ts';
import { fixtureModel } from '../../../support/model-cards.ts';

const onCpu = { device: 'cpu', threads: 1 } as const;

async function opened(model: RegisteredModel): Promise<Session> {
  const session = await openSession(model, onCpu);
  onTestFinished(() => session.close());
  return session;
}

function imageOf(width: number, height: number, value = 0.25) {
  const data = new Float32Array(3 * width * height).fill(value);
  return { type: 'float32' as const, dims: [1, 3, height, width], data };
}

describe('a session', () => {
  test('runs the model and gives its outputs by name, with the seconds it took', async () => {
    const session = await opened(fixtureModel('judge'));
    const { outputs, seconds } = await session.run({ image: imageOf(64, 64) });
    expect(outputs.score?.data[0]).toBeCloseTo(0.25, 6);
    expect(outputs.weight?.dims).toEqual([1]);
    expect(seconds).toBeGreaterThan(0);
    expect(seconds).toBeLessThan(5);
  });

  test('takes the feeds over instead of copying them', async () => {
    const session = await opened(fixtureModel('identity'));
    const image = imageOf(8, 8);
    await session.run({ image });
    expect(image.data).toHaveLength(0);
  });

  test('answers runs that overlap each with its own result', async () => {
    const session = await opened(fixtureModel('judge'));
    const values = [0.1, 0.2, 0.3, 0.4];
    const results = await Promise.all(values.map((value) => session.run({ image: imageOf(64, 64, value) })));
    for (const [index, value] of values.entries()) expect(results[index]?.outputs.score?.data[0]).toBeCloseTo(value, 5);
  });

  test('leaves the main thread free while the model runs', async () => {
    const session = await opened(fixtureModel('local'));
    let ticks = 0;
    const timer = setInterval(() => ticks++, 1);
    const one = () => ({ type: 'float32' as const, dims: [1], data: Float32Array.of(1) });
    const run = await session.run({ image: imageOf(1024, 1024), score: one(), fidelity: one() });
    clearInterval(timer);
    // A blocked thread would have let one tick through at most; a busy machine lets some of them pass.
    expect(ticks).toBeGreaterThan(Math.min(20, (run.seconds * 1000) / 20));
  });

  test('that was closed refuses to run, and closing it again is no error', async () => {
    const session = await openSession(fixtureModel('identity'), onCpu);
    await session.close();
    await session.close();
    await expect(session.run({ image: imageOf(8, 8) })).rejects.toMatchObject({ code: 'interrupted' });
  });

  test('closed while it runs ends that run as interrupted', async () => {
    const session = await openSession(fixtureModel('local'), onCpu);
    const one = () => ({ type: 'float32' as const, dims: [1], data: Float32Array.of(1) });
    const run = session.run({ image: imageOf(512, 512), score: one(), fidelity: one() });
    const outcome = expect(run).rejects.toMatchObject({ code: 'interrupted', fault: 'transient' });
    await session.close();
    await outcome;
  });
});

describe('a run that fails', () => {
  test('is a failed inference with the words of onnxruntime, and the session goes on', async () => {
    const session = await opened(fixtureModel('local'));
    const act = session.run({ image: imageOf(64, 64) });
    await expect(act).rejects.toMatchObject({ code: 'inference-failed', message: expect.stringContaining('score') });
    const one = () => ({ type: 'float32' as const, dims: [1], data: Float32Array.of(1) });
    await expect(session.run({ image: imageOf(64, 64), score: one(), fidelity: one() })).resolves.toBeDefined();
  });

  test('for want of memory can be told from other failures', async () => {
    const session = await opened(fixtureModel('greedy'));
    const tooLarge = await session.run({ image: imageOf(128, 32) }).catch((error: unknown) => error);
    expect(tooLarge).toMatchObject({ code: 'inference-failed', fault: 'transient' });
    expect(ranOutOfMemory(tooLarge)).toBe(true);
    const wrong = await session.run({}).catch((error: unknown) => error);
    expect(ranOutOfMemory(wrong)).toBe(false);
    await expect(session.run({ image: imageOf(64, 64) })).resolves.toBeDefined();
  });
});

describe('a model that is not what its card says', () => {
  test('is refused by its hash before it is loaded', async () => {
    const model = fixtureModel('identity', { sha256: '0'.repeat(64) });
    await expect(openSession(model, onCpu)).rejects.toMatchObject({ code: 'model-mismatch' });
  });

  test('is refused where an input has another name', async () => {
    const [image] = fixtureModel('identity').card.inputs;
    const model = fixtureModel('identity', { inputs: image && [{ ...image, name: 'picture' }] });
    await expect(openSession(model, onCpu)).rejects.toMatchObject({
      code: 'model-mismatch',
      message: expect.stringMatching(/no input "picture" \(it has image\)/),
    });
  });

  test('is refused where it takes a score that the card does not mention', async () => {
    const inputs = fixtureModel('identity').card.inputs;
    await expect(openSession(fixtureModel('local', { inputs }), onCpu)).rejects.toThrow(
      /does not mention input "score"/,
    );
  });

  test('is refused where the file is no ONNX model', async () => {
    const path = fileURLToPath(new URL('../../../fixtures/models/make_models.py', import.meta.url));
    const sha256 = createHash('sha256').update(readFileSync(path)).digest('hex');
    const model = { ...fixtureModel('identity', { sha256, bytes: statSync(path).size }), path };
    await expect(openSession(model, onCpu)).rejects.toMatchObject({
      code: 'model-mismatch',
      message: expect.stringContaining('make_models.py'),
    });
  });
});

describe('a device that is not there', () => {
  // Both are absent from the machines that run the tests; where one is there, the session must open on it.
  test.each(['cuda', 'webgpu'] as const)(
    '%s is an error that says what is missing, never another device',
    async (device) => {
      const outcome = await openSession(fixtureModel('identity'), { device, threads: 1 }).then(
        async (session) => {
          await session.close();
          return session.device;
        },
        (error: unknown) => error,
      );
      if (outcome === device) return;
      expect(outcome).toMatchObject({ code: 'device-unavailable', fault: 'config' });
      expect(String(outcome)).toMatch(device === 'cuda' ? /libonnxruntime_providers_cuda|CUDA/ : /adapter|Vulkan/i);
      expect(String(outcome)).toContain('--device cpu');
    },
  );
});

describe('a program with a session', () => {
  const program = fileURLToPath(new URL('../../../support/session-program.ts', import.meta.url));
  const run = (...args: string[]) =>
    spawnSync(process.execPath, ['--import', 'tsx', program, ...args], { encoding: 'utf8', timeout: 60_000 });

  test('runs from the sources under tsx and ends when the session is closed', () => {
    expect(run('close')).toMatchObject({ stdout: 'score 0.5\n', stderr: '', status: 0 });
  });

  test('ends by itself where the session was never closed', () => {
    expect(run('forget')).toMatchObject({ stdout: 'score 0.5\n', stderr: '', status: 0 });
  });

  test('can exit while the model runs', () => {
    expect(run('exit')).toMatchObject({ stdout: 'score 0.5\n', stderr: '', status: 3 });
  });

  test('runs compiled to JavaScript, without tsx', async () => {
    // Below the repository, so that the compiled files find its node_modules.
    await mkdir(new URL('../../../output/', import.meta.url), { recursive: true });
    const folder = await mkdtemp(fileURLToPath(new URL('../../../output/compiled-', import.meta.url)));
    onTestFinished(() => rm(folder, { recursive: true }));
    const tsconfig = join(folder, 'tsconfig.json');
    const root = fileURLToPath(new URL('../../../../', import.meta.url));
    const files = [program, join(root, 'functions/lib/inference/inference-worker.ts')];
    const compilerOptions = { noEmit: false, rootDir: root, outDir: join(folder, 'dist') };
    await writeFile(
      tsconfig,
      JSON.stringify({ extends: join(root, 'tsconfig.json'), compilerOptions, files, include: [] }),
    );
    const tsc = spawnSync(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', tsconfig], {
      encoding: 'utf8',
    });
    expect(tsc).toMatchObject({ stdout: '', status: 0 });
    await cp(join(root, 'test/fixtures/models'), join(folder, 'dist/test/fixtures/models'), { recursive: true });
    const compiled = join(folder, 'dist/test/support/session-program.js');
    const result = spawnSync(process.execPath, [compiled, 'close'], { encoding: 'utf8', timeout: 60_000 });
    expect(result).toMatchObject({ stdout: 'score 0.5\n', stderr: '', status: 0 });
  });
});
