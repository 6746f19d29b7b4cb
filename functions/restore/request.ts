import { z } from 'zod';
import { asRestorationError, RestorationError } from '../lib/contracts/errors.ts';
import { outputFormats, type Settings } from '../lib/contracts/settings.ts';
import type { Engine } from './engine.ts';
import { checkRequest } from './plan.ts';

/** What is asked for one upload, and the models that shall do it. */
export interface Request<Models = Engine> {
  settings: Settings;
  engine: Models;
}

const unit = z
  .string()
  .regex(/^\d*\.?\d+$/, 'Expected a number between 0 and 1')
  .transform(Number)
  .pipe(z.number().min(0).max(1));

/** What an upload may ask for itself, as user metadata of its object (S3: `x-amz-meta-iqpir-score` and so on). */
const Wishes = z.object({
  'iqpir-score': unit.optional(),
  'iqpir-fidelity': unit.optional(),
  'iqpir-format': z.enum(outputFormats).optional(),
  'iqpir-model': z.string().min(1).optional(),
});

/**
 * The job's settings with the upload's own in their place.
 * @throws RestorationError `invalid-request` where the upload asks for what cannot be
 */
export function requestOf<Models extends Pick<Engine, 'restorer'>>(
  metadata: Record<string, string>,
  defaults: Settings,
  engineFor: (settings: Settings) => Models,
): Request<Models> {
  const wishes = Wishes.safeParse(metadata);
  if (!wishes.success) throw refused(z.prettifyError(wishes.error), metadata);
  const { 'iqpir-model': model = defaults.model, 'iqpir-format': format = defaults.format } = wishes.data;
  // The job's score and fidelity were meant for the job's model; another one has its own defaults.
  const { score, fidelity } = model === defaults.model ? defaults : {};
  const settings: Settings = {
    ...defaults,
    model,
    format,
    score: wishes.data['iqpir-score'] ?? score,
    fidelity: wishes.data['iqpir-fidelity'] ?? fidelity,
  };
  try {
    const engine = engineFor(settings);
    checkRequest(settings, engine.restorer);
    return { settings, engine };
  } catch (thrown) {
    const error = asRestorationError(thrown);
    if (error.code !== 'model-not-found' && error.code !== 'invalid-configuration') throw error;
    throw refused(error.message, metadata, error);
  }
}

function refused(why: string, metadata: Record<string, string>, cause?: unknown): RestorationError {
  const asked = Object.keys(Wishes.shape)
    .filter((name) => metadata[name] !== undefined)
    .map((name) => `${name}: ${JSON.stringify(metadata[name])}`);
  return new RestorationError(
    'invalid-request',
    `Expected metadata of the upload that can be fulfilled, but ${asked.join(', ')} came. ${why} Upload it again with other metadata, or with none.`,
    { cause },
  );
}
