import { parentPort, workerData } from 'node:worker_threads';
import { env, InferenceSession, Tensor } from 'onnxruntime-node';
import { enter, leave } from './exit-gate.ts';
import type { DeclaredTensor, TensorValue, WorkerReply, WorkerRequest, WorkerStart } from './messages.ts';

/**
 * The only file that imports onnxruntime. It runs in a worker thread, because `run` blocks the thread that calls it:
 * the main thread stays free to decode, to encode and to answer signals.
 */
async function serve(start: WorkerStart): Promise<void> {
  // Errors come back as exceptions; what onnxruntime would print about them besides is noise on the user's terminal.
  env.logLevel = 'fatal';
  const { gate } = start;
  const session = await open(start);
  leave(gate);
  if (!session) return;
  reply({ kind: 'opened', inputs: declared(session.inputMetadata), outputs: declared(session.outputMetadata) });
  const answer = async (request: WorkerRequest): Promise<void> => {
    if (!enter(gate)) return;
    if (request.kind === 'run') await run(session, request);
    else await session.release();
    leave(gate);
    if (request.kind === 'close') parentPort?.close();
  };
  let last = Promise.resolve();
  parentPort?.on('message', (request: WorkerRequest) => {
    // One after the other: what comes while a run is at work waits for it.
    last = last.then(() => answer(request));
  });
}

async function open({ path, device, threads }: WorkerStart): Promise<InferenceSession | undefined> {
  try {
    return await InferenceSession.create(path, {
      executionProviders: [device],
      intraOpNumThreads: threads,
      interOpNumThreads: 1,
      logSeverityLevel: 4,
      // The arena never gives memory back and rounds up; without it a tile's memory returns to the system.
      enableCpuMemArena: false,
      enableMemPattern: false,
      // Nodes that the device cannot run would else be computed on the CPU without a word.
      extra: device === 'cpu' ? {} : { session: { disable_cpu_ep_fallback: '1' } },
    });
  } catch (error) {
    reply({ kind: 'refused', message: messageOf(error) });
    return undefined;
  }
}

async function run(
  session: InferenceSession,
  { id, feeds, outputs }: Extract<WorkerRequest, { kind: 'run' }>,
): Promise<void> {
  try {
    const tensors = Object.fromEntries(Object.entries(feeds).map(([name, value]) => [name, tensorOf(value)]));
    const started = performance.now();
    const results = await session.run(tensors, outputs);
    const seconds = (performance.now() - started) / 1000;
    const values = Object.fromEntries(outputs.map((name) => [name, takeTensor(results[name])]));
    reply(
      { kind: 'ran', id, outputs: values, seconds },
      Object.values(values).map(({ data }) => data.buffer as ArrayBuffer),
    );
  } catch (error) {
    const message = messageOf(error);
    // onnxruntime has no error codes in JavaScript; these are its allocators' words on the CPU and on CUDA.
    const outOfMemory = /failed to allocate memory|bad_alloc|out of memory|CUDA_ERROR_OUT_OF_MEMORY/i.test(message);
    reply({ kind: 'failed', id, message, outOfMemory });
  }
}

function tensorOf({ type, data, dims }: TensorValue): Tensor {
  return new Tensor(type, data as Float32Array, dims);
}

function takeTensor(tensor: InferenceSession.OnnxValueMapType[string] | undefined): TensorValue {
  if (!(tensor instanceof Tensor)) throw new Error('The model gave no tensor for an output.');
  return { type: tensor.type as TensorValue['type'], dims: [...tensor.dims], data: tensor.data as Float32Array };
}

function declared(metadata: readonly InferenceSession.ValueMetadata[]): DeclaredTensor[] {
  return metadata.map((value) =>
    value.isTensor
      ? { name: value.name, type: value.type, shape: [...value.shape] }
      : { name: value.name, type: 'no tensor', shape: [] },
  );
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function reply(message: WorkerReply, transfer: ArrayBuffer[] = []): void {
  parentPort?.postMessage(message, transfer);
}

await serve(workerData as WorkerStart);
