#!/usr/bin/env node
// The command's start: the sources by tsx in a checkout, the compiled files in the installed package.
import { existsSync } from 'node:fs';

const source = new URL('./cli.ts', import.meta.url);
if (existsSync(source)) {
  const { register } = await import('tsx/esm/api');
  register();
  await import(source.href);
} else {
  await import(new URL('../../dist/functions/local/cli.js', import.meta.url).href);
}
