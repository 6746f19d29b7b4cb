import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { PythonCorner } from '../functions/local/python.ts';

/** The face network in PyTorch, in a process of its own that computes one face whenever it is asked. */
export interface PyTorch {
  /** Seconds inside the network. */
  run(): Promise<number>;
  close(): Promise<void>;
}

export function openPyTorch({ python, models }: PythonCorner, threads: number): PyTorch {
  const args = [`${models}/bench_face.py`, '--threads', String(threads), '--when-asked'];
  const child = spawn(python, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  const exited = once(child, 'exit');
  const answers = createInterface(child.stdout)[Symbol.asyncIterator]();
  return {
    async run() {
      child.stdin.write('go\n');
      const { value, done } = await answers.next();
      if (done) throw new Error('Expected seconds from bench_face.py, but it ended.');
      return Number(value);
    },
    async close() {
      child.stdin.end();
      await exited;
    },
  };
}
