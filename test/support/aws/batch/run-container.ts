import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';

export interface Container {
  command: string[];
  /** The image's working directory. */
  cwd: string;
  env: Record<string, string>;
  /** Of one attempt, seconds. */
  timeout: number | undefined;
  /** Aborted with the reason that TerminateJob was given. */
  terminated: AbortSignal;
  /** What Docker waits between SIGTERM and SIGKILL, ms. */
  grace: number;
  onOutput: (text: string) => void;
}

export interface Ended {
  /** A shell's: 128 and the signal's number where a signal ended it. */
  exitCode: number;
  cause: 'itself' | 'timeout' | 'terminated';
  /** What TerminateJob said. */
  message?: string;
}

/** Runs a container's command as a process group of its own, and leaves nothing of it behind. */
export async function runContainer(container: Container): Promise<Ended> {
  const [program = '', ...args] = container.command;
  const child = spawn(program, args, {
    cwd: container.cwd,
    env: container.env,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', container.onOutput);
  }
  const exited = once(child, 'exit') as Promise<[number | null, NodeJS.Signals | null]>;
  const over = new AbortController();
  const asked = askToStop(container, over.signal);
  const first = await Promise.race([exited, asked]);
  let cause: Pick<Ended, 'cause' | 'message'> = { cause: 'itself' };
  if (!Array.isArray(first)) {
    cause = first;
    child.kill('SIGTERM');
    const inTime = await Promise.race([exited, pause(container.grace, 'too late', { signal: over.signal })]);
    if (inTime === 'too late') killGroup(child.pid);
  }
  const [code, signal] = await exited;
  over.abort();
  // A container's processes end with its first one.
  killGroup(child.pid);
  return { exitCode: code ?? 128 + (signalNumbers[signal ?? ''] ?? 0), ...cause };
}

const signalNumbers: Record<string, number> = { SIGKILL: 9, SIGTERM: 15, SIGSEGV: 11, SIGABRT: 6, SIGINT: 2 };

async function askToStop(
  { timeout, terminated }: Container,
  over: AbortSignal,
): Promise<Pick<Ended, 'cause' | 'message'>> {
  const message = () => String(terminated.reason);
  if (terminated.aborted) return { cause: 'terminated', message: message() };
  return new Promise((resolve) => {
    terminated.addEventListener('abort', () => resolve({ cause: 'terminated', message: message() }), { signal: over });
    if (timeout === undefined) return;
    const timer = setTimeout(() => resolve({ cause: 'timeout' }), timeout * 1000);
    over.addEventListener('abort', () => clearTimeout(timer));
  });
}

function killGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // Nobody is left in it.
  }
}
