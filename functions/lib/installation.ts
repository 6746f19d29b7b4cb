import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';

/** Where this software lies and what it is called; the same in a checkout, in the npm package and in the container. */
export interface Installation {
  root: string;
  name: string;
  version: string;
}

const PackageJson = z.looseObject({ name: z.string(), version: z.string() });

export function findInstallation(): Installation {
  let root = dirname(fileURLToPath(import.meta.url));
  // The compiled files lie one folder deeper than the sources.
  while (!existsSync(join(root, 'package.json'))) root = dirname(root);
  const { name, version } = PackageJson.parse(JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')));
  return { root, name, version };
}
