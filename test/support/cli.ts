import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';

export const root = join(import.meta.dirname, '..', '..');
const command = join(root, 'functions', 'local', 'bin.mjs');

export interface Ended {
  code: number | null;
  stdout: string;
  stderr: string;
}

export interface RunOptions {
  cwd?: string;
  env?: NodeJS.ProcessEnv;
}

/** Starts the command in a process of its own. */
export function start(args: string[], { cwd = root, env }: RunOptions = {}): ChildProcess {
  return spawn(process.execPath, [command, ...args], { cwd, env: { ...process.env, ...env } });
}

/** Runs the command to its end. */
export function iqpir(args: string[], options?: RunOptions): Promise<Ended> {
  return ended(start(args, options));
}

export function ended(child: ChildProcess): Promise<Ended> {
  const out: Buffer[] = [];
  const error: Buffer[] = [];
  child.stdout?.on('data', (chunk: Buffer) => out.push(chunk));
  child.stderr?.on('data', (chunk: Buffer) => error.push(chunk));
  return new Promise((resolve) => {
    child.on('close', (code) =>
      resolve({ code, stdout: Buffer.concat(out).toString(), stderr: Buffer.concat(error).toString() }),
    );
  });
}
