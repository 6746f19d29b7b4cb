import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { RestorationError } from '../../lib/contracts/errors.ts';
import type { Installation } from '../../lib/installation.ts';

/** What machines cost, when, where, and who says so. */
export const PriceTable = z.strictObject({
  version: z.literal(1),
  /** The day on which the prices were looked up. */
  date: z.iso.date(),
  region: z.string().min(1),
  currency: z.literal('USD'),
  /** `published`: a price list says so; `paid`: a bill does. */
  kind: z.enum(['published', 'paid']),
  source: z.string().min(1),
  machines: z
    .array(
      z.strictObject({
        name: z.string().min(1),
        devices: z.array(z.enum(['cpu', 'cuda', 'webgpu'])).min(1),
        usdPerHour: z.number().positive(),
        note: z.string().optional(),
      }),
    )
    .min(1),
});
export type PriceTable = z.infer<typeof PriceTable>;
export type Machine = PriceTable['machines'][number];

/** @param path a table of the user's own; left out, the one that is shipped */
export async function readPrices(installation: Installation, path?: string): Promise<PriceTable> {
  const file = path ?? join(installation.root, 'functions', 'local', 'aws', 'prices.json');
  try {
    return PriceTable.parse(JSON.parse(await readFile(file, 'utf8')));
  } catch (cause) {
    const found = cause instanceof z.ZodError ? z.prettifyError(cause) : String(cause);
    throw new RestorationError(
      'invalid-configuration',
      `Expected a table of prices (functions/local/aws/prices.json is one to start from) in ${file}, but found: ${found}`,
      { cause },
    );
  }
}
