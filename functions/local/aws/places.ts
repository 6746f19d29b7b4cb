import { RestorationError } from '../../lib/contracts/errors.ts';
import { bucketLayout, type KeyLayout } from '../../lib/contracts/keys.ts';
import type { StackOutputs } from '../../lib/contracts/stack-outputs.ts';

/** What a command line says of where things are; each one goes before what the stack says. */
export interface PlaceOptions {
  stack?: string | undefined;
  bucket?: string | undefined;
  uploadsPrefix?: string | undefined;
  results?: string | undefined;
  queue?: string | undefined;
  jobDefinition?: string | undefined;
}

/** Every place that a command may need, by the option that names it. */
export type Places = Partial<Record<Exclude<keyof PlaceOptions, 'stack' | 'uploadsPrefix'>, string>> & {
  layout: KeyLayout;
  outputs?: StackOutputs;
};

const optionOf = {
  bucket: '--bucket UPLOADS',
  results: '--results BUCKET',
  queue: '--queue ARN',
  jobDefinition: '--job-definition ARN',
} as const satisfies Partial<Record<keyof Places, string>>;

/** @param readOutputs of the stack; asked only where the options name one */
export async function findPlaces(
  options: PlaceOptions,
  readOutputs: (stack: string) => Promise<StackOutputs>,
): Promise<Places> {
  const outputs = options.stack === undefined ? undefined : await readOutputs(options.stack);
  const uploads = options.uploadsPrefix ?? outputs?.UploadsPrefix ?? '';
  if (!/^$|\/$/.test(uploads)) {
    throw misuse(`Expected --uploads-prefix to end in a slash, as the pipeline's does, but ${uploads} came.`);
  }
  return {
    layout: { ...bucketLayout, uploads },
    outputs,
    bucket: options.bucket ?? outputs?.UploadsBucket,
    results: options.results ?? outputs?.ResultsBucket,
    queue: options.queue ?? outputs?.JobQueue,
    jobDefinition: options.jobDefinition ?? outputs?.JobDefinition,
  };
}

/** @throws RestorationError `invalid-configuration` where neither an option nor the stack names it */
export function required(places: Places, place: keyof typeof optionOf): string {
  const value = places[place];
  if (value !== undefined) return value;
  throw misuse(`Expected ${optionOf[place]}, or --stack NAME to read it from the pipeline's outputs.`);
}

/** The uploads prefix and what the user's filter adds to it. */
export function belowPrefix(layout: KeyLayout, prefix: string | undefined): string {
  if (prefix === undefined) return '';
  if (prefix.startsWith(layout.uploads)) return prefix.slice(layout.uploads.length);
  throw misuse(`Expected --prefix to lie below the pipeline's own (${layout.uploads}), but ${prefix} came.`);
}

export function misuse(message: string): RestorationError {
  return new RestorationError('invalid-configuration', message);
}
