import { Worker } from 'node:worker_threads';
import { RestorationError } from '../contracts/errors.ts';
import type { ModelCard } from '../contracts/model-card.ts';
import { requireDevice, unavailable } from './device.ts';
import { createExitGate, shutGate } from './exit-gate.ts';
import type { Device, TensorValue, WorkerReply, WorkerRequest, WorkerStart } from './messages.ts';
import { checkInterface, smallestFeeds } from './model-interface.ts';
import { type RegisteredModel, verifyModel } from './registry.ts';
import { createTurn, endTurn } from './turn.ts';

export interface RunResult {
  outputs: Record<string, TensorValue>;
  /** Inside the model alone: neither waiting nor copying. */
  seconds: number;
}

/** A verified model, loaded in a worker thread of its own. */
export interface Session {
  readonly card: ModelCard;
  readonly device: Device;
  /**
   * Runs the model once; runs that overlap queue up. The feeds' buffers are handed over: they are empty afterwards.
   * @returns the card's outputs by name, but for those with role `codes`, which nothing reads
   * @throws `inference-failed` (see `ranOutOfMemory`), `interrupted` where the session is closed meanwhile
   */
  run(feeds: Record<string, TensorValue>): Promise<RunResult>;
  /** Frees the model. A run at work is finished in the worker, its result is thrown away. Closing twice is no error. */
  close(): Promise<void>;
}

interface Pending {
  resolve(result: RunResult): void;
  reject(error: unknown): void;
}

const outOfMemory = 'OutOfMemory';

const webgpuTurn = createTurn();

/** Whether a run failed for want of memory, so that a smaller tile may succeed. */
export function ranOutOfMemory(error: unknown): boolean {
  return error instanceof RestorationError && error.cause instanceof Error && error.cause.name === outOfMemory;
}

/**
 * Verifies a model, opens it on a device and compares it with its card.
 * @param options.threads of one run on the CPU
 * @throws `model-not-found`, `model-mismatch`, `device-unavailable`
 */
export async function openSession(
  model: RegisteredModel,
  options: { device: Device; threads: number },
): Promise<Session> {
  const { card, path } = model;
  const { device, threads } = options;
  await verifyModel(model);
  requireDevice(device);
  const gate = createExitGate();
  const outputs = card.outputs.filter(({ role }) => role !== 'codes').map(({ name }) => name);
  const turn = device === 'webgpu' ? webgpuTurn : undefined;
  const start: WorkerStart = { path, device, threads, gate, turn, smallest: smallestFeeds(card), outputs };
  const worker = new Worker(workerFile(), { workerData: start, name: `inference ${card.id}` });
  const { threadId } = worker;
  const pending = new Map<number, Pending>();
  let nextId = 0;
  let ended: RestorationError | undefined;

  const exited = new Promise<void>((resolve) => worker.once('exit', () => resolve()));
  const onExit = (): void => shutGate(gate);
  process.once('exit', onExit);
  const end = (error: RestorationError): void => {
    ended ??= error;
    for (const { reject } of pending.values()) reject(ended);
    pending.clear();
  };
  worker.once('error', (cause) => end(failed(card, cause.message, cause)));
  worker.once('exit', (code) => {
    process.off('exit', onExit);
    if (turn) endTurn(turn, threadId);
    end(failed(card, `its worker ended with code ${code}`));
  });

  const close = async (): Promise<void> => {
    end(new RestorationError('interrupted', `Model "${card.id}" was closed before its run ended. Run it again.`));
    worker.ref();
    worker.postMessage({ kind: 'close' } satisfies WorkerRequest);
    await exited;
  };

  const opened = await new Promise<WorkerReply>((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('exit', () => reject(ended));
  });
  if (opened.kind !== 'opened') {
    await exited;
    const { message: reason = 'it did not open', tensors = undefined } = opened.kind === 'refused' ? opened : {};
    if (!tensors) throw unloadable(card, path, reason);
    checkInterface(card, tensors.inputs, tensors.outputs);
    throw unavailable(device, `onnxruntime said: ${reason}`);
  }
  try {
    checkInterface(card, opened.inputs, opened.outputs);
  } catch (error) {
    await close();
    throw error;
  }

  worker.on('message', (reply: WorkerReply) => {
    if (reply.kind !== 'ran' && reply.kind !== 'failed') return;
    const run = pending.get(reply.id);
    pending.delete(reply.id);
    // An idle model does not keep a program alive that forgot to close it.
    if (pending.size === 0) worker.unref();
    if (reply.kind === 'ran') run?.resolve({ outputs: reply.outputs, seconds: reply.seconds });
    else run?.reject(failed(card, reply.message, causeOf(reply)));
  });
  worker.unref();

  const run = (feeds: Record<string, TensorValue>): Promise<RunResult> =>
    new Promise((resolve, reject) => {
      if (ended) return reject(ended);
      const id = nextId++;
      pending.set(id, { resolve, reject });
      worker.ref();
      const request: WorkerRequest = { kind: 'run', id, feeds };
      worker.postMessage(
        request,
        Object.values(feeds).map(({ data }) => data.buffer as ArrayBuffer),
      );
    });
  return { card, device, run, close };
}

/** This file's own ending tells a checkout, which tsx runs, from the compiled package. */
function workerFile(): URL {
  const source = import.meta.url.endsWith('.ts');
  return new URL(source ? './inference-worker-from-source.mjs' : './inference-worker.js', import.meta.url);
}

function causeOf(reply: Extract<WorkerReply, { kind: 'failed' }>): Error {
  const cause = new Error(reply.message);
  if (reply.outOfMemory) cause.name = outOfMemory;
  return cause;
}

function failed(card: ModelCard, detail: string, cause?: unknown): RestorationError {
  const message = `Expected model "${card.id}" to run but it failed: ${detail.trim()}. Try again, with more memory free.`;
  return new RestorationError('inference-failed', message, { cause });
}

function unloadable(card: ModelCard, path: string, reason: string): RestorationError {
  const message = `Expected an ONNX model that onnxruntime can load for "${card.id}" but ${path} is not: ${reason.trim()}. Export it again, for opset 17 to 22.`;
  return new RestorationError('model-mismatch', message);
}
