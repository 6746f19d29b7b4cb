import { copyFile, mkdir, rename, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { ModelCard } from '../lib/contracts/model-card.ts';
import { loadRegistry, type RegisteredModel } from '../lib/inference/registry.ts';
import { openSession } from '../lib/inference/session.ts';
import { userModels, userRegistry } from './local-engine.ts';

/**
 * Copies a model's file to the user's models and adds its card to the user's registry, once the file is what the card says:
 * its hash, its inputs and outputs.
 */
export async function keepModel(source: RegisteredModel): Promise<void> {
  const { package: carrier, ...card } = source.card;
  const session = await openSession(source, { device: 'cpu', threads: 1 });
  await session.close();

  const file = join('models', card.id, basename(card.file));
  const home = userModels();
  await mkdir(dirname(join(home, file)), { recursive: true });
  await copyFile(source.path, join(home, file));
  const own = (await loadRegistry([userRegistry()])).map((model) => model.card);
  const kept: ModelCard = { ...card, file };
  const registry = { version: 1, models: [...own, kept] };
  // Renamed into place: a registry is never half written.
  const draft = `${userRegistry()}.${process.pid}`;
  await writeFile(draft, `${JSON.stringify(registry, null, 2)}\n`);
  await rename(draft, userRegistry());
}
