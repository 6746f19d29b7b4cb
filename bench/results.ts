import { mkdir, writeFile } from 'node:fs/promises';
import { availableParallelism, cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import { findInstallation } from '../functions/lib/installation.ts';

export const results = join(import.meta.dirname, 'results');

/** Writes figures with what they were taken on, and says where. */
export async function writeFigures(figures: object): Promise<void> {
  const { version } = findInstallation();
  const machine = { cpu: cpus()[0]?.model, cores: availableParallelism(), memory: totalmem(), node: process.version };
  const measuredAt = new Date().toISOString();
  await mkdir(results, { recursive: true });
  const path = join(results, `${measuredAt.replaceAll(':', '-')}.json`);
  await writeFile(path, `${JSON.stringify({ version, measuredAt, machine, ...figures }, null, 2)}\n`);
  console.log(`Figures: ${path}`);
}
