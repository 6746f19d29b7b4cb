import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import Table from 'cli-table3';
import { z } from 'zod';
import { asRestorationError, RestorationError } from '../lib/contracts/errors.ts';
import { ModelCard } from '../lib/contracts/model-card.ts';
import { type RegisteredModel, verifyModel } from '../lib/inference/registry.ts';
import type { Installation } from '../lib/installation.ts';
import { exitCodes } from './exit-codes.ts';
import { keepModel } from './keep-model.ts';
import { installedModels } from './local-engine.ts';

export async function listModels(installation: Installation): Promise<void> {
  const table = new Table({
    head: ['id', 'task', 'version', 'size', 'weights', 'title'],
    style: { head: [], border: [], compact: true },
  });
  for (const { card, absent } of await installedModels(installation)) {
    const size = absent ? 'not installed' : `${(card.bytes / 1e6).toFixed(1)} MB`;
    table.push([card.id, card.task, card.modelVersion, size, card.licence.weights, card.title]);
  }
  process.stdout.write(`${table.toString()}\n`);
}

export async function showModel(installation: Installation, id: string): Promise<void> {
  const model = named(await installedModels(installation), id);
  process.stdout.write(`${JSON.stringify(model.card, null, 2)}\n`);
}

/** Each file's size and hash against its card. A model that is optional and not there is no mistake unless asked for. */
export async function verifyModels(installation: Installation, id?: string): Promise<void> {
  const all = await installedModels(installation);
  for (const model of id === undefined ? all : [named(all, id)]) {
    if (model.absent && id === undefined) {
      process.stdout.write(
        `${model.card.id}: not installed, which it need not be (iqpir models install ${model.card.id})\n`,
      );
      continue;
    }
    try {
      await verifyModel(model);
      process.stdout.write(`${model.card.id}: ok, sha256 ${model.card.sha256}\n`);
    } catch (thrown) {
      process.stdout.write(`${model.card.id}: ${asRestorationError(thrown).message}\n`);
      process.exitCode = exitCodes.misuse;
    }
  }
}

/**
 * Copies a card's ONNX file to the user's models and adds the card to the user's registry, once the file is what the
 * card says: its hash, its inputs and outputs.
 */
export async function addModel(installation: Installation, cardPath: string): Promise<void> {
  const card = await readCard(cardPath);
  const source: RegisteredModel = { card, path: resolve(dirname(cardPath), card.file) };
  if ((await installedModels(installation)).some((model) => model.card.id === card.id)) {
    throw misuse(
      `Expected an id of its own for the model of ${cardPath}, but "${card.id}" is taken. Give it another id.`,
    );
  }
  await keepModel(source);
  process.stdout.write(`Added ${card.id} (${card.task}). Try: iqpir models show ${card.id}\n`);
}

async function readCard(path: string): Promise<ModelCard> {
  const content = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw misuse(`Expected a model card at ${path}, but it cannot be read. Check the path.`, cause);
  });
  try {
    return ModelCard.parse(JSON.parse(content));
  } catch (cause) {
    const detail = cause instanceof z.ZodError ? z.prettifyError(cause) : String(cause);
    throw misuse(`Expected a model card of version 1 in ${path}, but found: ${detail}\nMend the card.`, cause);
  }
}

export function named(models: RegisteredModel[], id: string): RegisteredModel {
  const model = models.find(({ card }) => card.id === id);
  if (model) return model;
  const known = models.map(({ card }) => card.id).join(', ');
  throw new RestorationError(
    'model-not-found',
    `Expected the id of an installed model but received "${id}". There are: ${known}.`,
  );
}

function misuse(message: string, cause?: unknown): RestorationError {
  return new RestorationError('invalid-configuration', message, { cause });
}
