import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

export interface ChildProgram {
  process: ChildProcess;
  /** The first line it says, however long it takes to start. */
  firstLine: Promise<string>;
  /** Resolves when it has ended by itself; rejects where it did not end with 0. */
  finished: Promise<void>;
  /** kill -9, and waits until it is dead. */
  kill(): Promise<void>;
}

/** Runs a TypeScript program of test/support in a process of its own. */
export function startChild(program: string, args: string[]): ChildProgram {
  const script = fileURLToPath(new URL(program, import.meta.url));
  const child = spawn(process.execPath, ['--import', import.meta.resolve('tsx'), script, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(child, 'exit');
  const finished = ended.then(([code, signal]) => {
    if (code !== 0) throw new Error(`Expected ${program} to end with 0, it ended with ${code ?? signal}`);
  });
  finished.catch(() => undefined);
  const line = once(createInterface(child.stdout), 'line').then(([text]) => String(text));
  const firstLine = Promise.race([
    line,
    finished.then(() => {
      throw new Error(`Expected ${program} to say something, it ended silently`);
    }),
  ]);
  firstLine.catch(() => undefined);
  return {
    process: child,
    firstLine,
    finished,
    async kill() {
      child.kill('SIGKILL');
      await ended;
    },
  };
}
