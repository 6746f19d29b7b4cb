import { execFileSync } from 'node:child_process';
import { copyFileSync, cpSync, existsSync, mkdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { findInstallation } from '../../functions/lib/installation.ts';

/** Path of the Dockerfile, in the checkout, in the package and in the context. */
export const dockerfile = 'functions/restore/Dockerfile';

/** Taken as they lie. The lock file is never packed from the root, so prepack puts a copy into dist. */
const asTheyLie = ['package.json', 'models/registry.json', 'models/onnx', dockerfile];

/**
 * Gathers what `docker build` needs, and nothing else: neither a stale dist nor somebody's photographs get into the image or
 * change its hash. The compiled programs are compiled anew in a checkout, and copied in an installed package.
 */
export function stageImageContext(folder: string): void {
  const { root } = findInstallation();
  for (const path of asTheyLie) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    cpSync(join(root, path), join(folder, path), { recursive: true });
  }
  const fromCheckout = existsSync(join(root, 'tsconfig.build.json'));
  copyFileSync(join(root, fromCheckout ? '' : 'dist', 'package-lock.json'), join(folder, 'package-lock.json'));
  const programs = join(folder, 'dist', 'functions');
  if (fromCheckout) compile(root, join(folder, 'dist'));
  else cpSync(join(root, 'dist', 'functions'), programs, { recursive: true });
}

function compile(root: string, outDir: string): void {
  const require = createRequire(join(root, 'package.json'));
  const compiler = join(dirname(require.resolve('typescript/package.json')), 'bin', 'tsc');
  // Types are checked by `npm run types`: here they only would make every synthesis wait.
  const options = ['--noCheck', '--declaration', 'false', '--outDir', outDir];
  execFileSync(process.execPath, [compiler, '-p', join(root, 'tsconfig.build.json'), ...options], {
    stdio: ['ignore', 'inherit', 'inherit'],
  });
}
