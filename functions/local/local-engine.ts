import { availableParallelism, homedir } from 'node:os';
import { join } from 'node:path';
import type { Settings } from '../lib/contracts/settings.ts';
import { configureCodec } from '../lib/imaging/codec.ts';
import type { Device } from '../lib/inference/messages.ts';
import { loadRegistry, type RegisteredModel } from '../lib/inference/registry.ts';
import type { Installation } from '../lib/installation.ts';
import { type Engine, openEngine } from '../restore/engine.ts';

export interface EngineOptions {
  device: Device;
  /** Left out: all cores. */
  threads?: number | undefined;
}

/** Where the user's own models and their registry lie. */
export function userModels(): string {
  return join(process.env.XDG_DATA_HOME || join(homedir(), '.local', 'share'), 'iqpir');
}

export function userRegistry(): string {
  return join(userModels(), 'registry.json');
}

export function installedModels(installation: Installation): Promise<RegisteredModel[]> {
  return loadRegistry([join(installation.root, 'models', 'registry.json'), userRegistry()]);
}

export async function openLocalEngine(
  installation: Installation,
  settings: Settings,
  { device, threads }: EngineOptions,
): Promise<Engine> {
  const cores = threads ?? availableParallelism();
  configureCodec({ threads: cores });
  return openEngine(await installedModels(installation), settings, { device, threads: cores });
}
