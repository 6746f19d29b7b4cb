import type { ExitGate } from './exit-gate.ts';

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
}

export type WorkerRequest =
  | { kind: 'run'; id: number; feeds: Record<string, TensorValue>; outputs: string[] }
  | { kind: 'close' };

export type WorkerReply =
  | { kind: 'opened'; inputs: DeclaredTensor[]; outputs: DeclaredTensor[] }
  | { kind: 'refused'; message: string }
  | { kind: 'ran'; id: number; outputs: Record<string, TensorValue>; seconds: number }
  | { kind: 'failed'; id: number; message: string; outOfMemory: boolean };
