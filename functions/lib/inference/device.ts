import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { RestorationError } from '../contracts/errors.ts';
import type { Device } from './messages.ts';

/** The CUDA half of onnxruntime is a library of its own that `npm ci` does not bring, see .npmrc. */
const cudaLibrary = {
  linux: 'libonnxruntime_providers_cuda.so',
  win32: 'onnxruntime_providers_cuda.dll',
} as Partial<Record<NodeJS.Platform, string>>;

/**
 * Finds out what is missing for a device, before a model is opened on it. What only the driver knows comes later, from
 * opening the session.
 * @throws `device-unavailable`; another device is never taken instead
 */
export function requireDevice(device: Device): void {
  if (device !== 'cuda') return;
  const library = cudaLibrary[process.platform];
  if (!library) {
    throw unavailable('cuda', `onnxruntime has no CUDA for ${process.platform}`);
  }
  const home = dirname(createRequire(import.meta.url).resolve('onnxruntime-node/package.json'));
  const path = join(home, 'bin', 'napi-v6', process.platform, process.arch, library);
  if (!existsSync(path)) throw unavailable('cuda', `${path} is missing`);
}

/** @param missing what was looked for and not found, in words */
export function unavailable(device: Device, missing: string, cause?: unknown): RestorationError {
  const advice = {
    cpu: 'Install the onnxruntime-node of this platform (npm ci).',
    cuda: 'Install the CUDA provider (node node_modules/onnxruntime-node/script/install), CUDA and cuDNN, or choose --device cpu.',
    webgpu: 'Install a Vulkan driver and loader (libvulkan1) for a GPU of this machine, or choose --device cpu.',
  }[device];
  const message = `Expected a usable "${device}" device but ${missing}. ${advice}`;
  return new RestorationError('device-unavailable', message, { cause });
}
