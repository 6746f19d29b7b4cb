import { readFile } from 'node:fs/promises';
import { parentPort, threadId, workerData } from 'node:worker_threads';
import { env, InferenceSession, Tensor } from 'onnxruntime-node';
import { enter, leave } from './exit-gate.ts';
import { fixShapes } from './fixed-shape.ts';
import type { DeclaredTensor, Device, TensorValue, WorkerReply, WorkerRequest, WorkerStart } from './messages.ts';
import { inTurn } from './turn.ts';

/** A model that is loaded and can run on its device. */
interface LoadedModel {
  session(feeds: Record<string, Pick<TensorValue, 'type' | 'dims'>>): Promise<InferenceSession>;
  release(): Promise<void>;
}

/**
 * The only file that imports onnxruntime. It runs in a worker thread, because `run` blocks the thread that calls it:
 * the main thread stays free to decode, to encode and to answer signals.
 */
async function serve(start: WorkerStart): Promise<void> {
  // Errors come back as exceptions; what onnxruntime would print about them besides is noise on the user's terminal.
  env.logLevel = 'fatal';
  const { gate, turn } = start;
  const model = await inTurn(turn, threadId, () => open(start));
  leave(gate);
  if (!model) return;
  const answer = async (request: WorkerRequest): Promise<void> => {
    if (!enter(gate)) return;
    await inTurn(turn, threadId, () => (request.kind === 'run' ? run(model, request, start.outputs) : model.release()));
    leave(gate);
    if (request.kind === 'close') parentPort?.close();
  };
  let last = Promise.resolve();
  parentPort?.on('message', (request: WorkerRequest) => {
    // One after the other: what comes while a run is at work waits for it.
    last = last.then(() => answer(request));
  });
}

async function open(start: WorkerStart): Promise<LoadedModel | undefined> {
  let tensors: { inputs: DeclaredTensor[]; outputs: DeclaredTensor[] } | undefined;
  try {
    const session = await InferenceSession.create(start.path, optionsFor('cpu', start.threads));
    tensors = { inputs: declared(session.inputMetadata), outputs: declared(session.outputMetadata) };
    const model = start.device === 'cpu' ? onCpu(session) : await onAccelerator(start, session);
    reply({ kind: 'opened', ...tensors });
    return model;
  } catch (error) {
    reply({ kind: 'refused', message: messageOf(error), tensors });
    return undefined;
  }
}

function onCpu(session: InferenceSession): LoadedModel {
  return { session: async () => session, release: () => session.release() };
}

/** The shape at work and the one before: pictures of two sizes may take turns, and each shape costs the device's memory. */
const mostShapes = 2;

/**
 * On a GPU every tile shape is a model of its own, see `fixShapes`; tiles of one picture all have the same.
 * @param declaration only read for what the file declares: nothing is ever computed with it
 * @throws where the device is not there, or cannot run every node of the model
 */
async function onAccelerator(start: WorkerStart, declaration: InferenceSession): Promise<LoadedModel> {
  const { path, device, threads, smallest, outputs } = start;
  await declaration.release();
  const file = await readFile(path);
  const sessions = new Map<string, InferenceSession>();
  const model: LoadedModel = {
    async session(feeds) {
      const key = JSON.stringify(Object.entries(feeds).map(([name, { dims }]) => [name, dims]));
      const session =
        sessions.get(key) ??
        (await InferenceSession.create(fixShapes(file, feeds, outputs), optionsFor(device, threads)));
      // Last in, last out: a map remembers the order.
      sessions.delete(key);
      sessions.set(key, session);
      for (const [oldest, unused] of [...sessions].slice(0, -mostShapes)) {
        sessions.delete(oldest);
        await unused.release();
      }
      return session;
    },
    async release() {
      for (const session of sessions.values()) await session.release();
    },
  };
  await model.session(smallest);
  return model;
}

function optionsFor(device: Device, threads: number): InferenceSession.SessionOptions {
  return {
    executionProviders: [device],
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    logSeverityLevel: 4,
    // Measured with iqpir-photo, tiles of 640 px: 255 MB at most, many shapes in a row add nothing; 364 MB without the arena,
    // as the system's allocator gives nothing back sooner, and 340 MB with patterns, which plan for one shape.
    enableCpuMemArena: true,
    enableMemPattern: false,
    extra: {
      session: {
        // Threads that wait by spinning would take the cores that decode the next picture and encode the last one.
        intra_op: { allow_spinning: '0' },
        // Nodes that a GPU cannot run would else be computed on the CPU without a word.
        ...(device !== 'cpu' && { disable_cpu_ep_fallback: '1' }),
      },
    },
  };
}

async function run(
  model: LoadedModel,
  { id, feeds }: Extract<WorkerRequest, { kind: 'run' }>,
  outputs: string[],
): Promise<void> {
  try {
    const session = await model.session(feeds);
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
