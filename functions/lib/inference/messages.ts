import type { ExitGate } from './exit-gate.ts';
import type { Turn } from './turn.ts';

/** What the main thread and the inference worker say to each other. Both ends import this file. */

export const devices = ['cpu', 'cuda', 'webgpu'] as const;
export type Device = (typeof devices)[number];

/** A dense tensor, row-major; `data.length` is the product of `dims`. */
export interface TensorValue {
  type: 'float32' | 'int64' | 'int32';
  dims: number[];
  data: Float32Array | BigInt64Array | Int32Array;
}

/** A tensor as the ONNX file itself declares it; a name in the shape is a free dimension. */
export interface DeclaredTensor {
  name: string;
  type: string;
  shape: (string | number)[];
}

export interface WorkerStart {
  path: string;
  device: Device;
  threads: number;
  gate: ExitGate;
  /** Where the device takes one model at a time. */
  turn?: Turn | undefined;
  /** The smallest feeds that the card allows, by name: a device other than the CPU is tried with them. */
  smallest: Record<string, Pick<TensorValue, 'type' | 'dims'>>;
  /** The outputs that runs will ask for. */
  outputs: string[];
}

export type WorkerRequest = { kind: 'run'; id: number; feeds: Record<string, TensorValue> } | { kind: 'close' };

export type WorkerReply =
  | { kind: 'opened'; inputs: DeclaredTensor[]; outputs: DeclaredTensor[] }
  /** With what the file declares, where it could be read and the device was the reason. */
  | { kind: 'refused'; message: string; tensors?: { inputs: DeclaredTensor[]; outputs: DeclaredTensor[] } | undefined }
  | { kind: 'ran'; id: number; outputs: Record<string, TensorValue>; seconds: number }
  | { kind: 'failed'; id: number; message: string; outOfMemory: boolean };
