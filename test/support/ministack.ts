import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';

export interface Ministack {
  /** http://127.0.0.1:<port> */
  endpoint: string;
  stop(): Promise<void>;
}

export interface MinistackStart {
  command?: string[];
  env?: NodeJS.ProcessEnv;
  scheme?: 'http' | 'https';
  isReady?: (endpoint: string) => Promise<boolean>;
}

/** It starts in under a second; a busy machine may take far longer. */
const startingTakes = 60_000;
const stoppingTakes = 5_000;

/**
 * Starts MiniStack, an emulator of AWS, on a free port that only this machine reaches. It keeps everything in memory.
 * Install it with `python3 -m venv .venv-ministack && .venv-ministack/bin/pip install ministack==1.5.33`.
 * @param start the program and its arguments, by default IQPIR_MINISTACK, else the one on the PATH; what its environment
 *   holds besides; how to ask whether it is ready
 */
export async function startMinistack({
  command = [process.env.IQPIR_MINISTACK ?? 'ministack'],
  env = {},
  scheme = 'http',
  isReady = answersHealthy,
}: MinistackStart = {}): Promise<Ministack> {
  const port = await freePort();
  const endpoint = `${scheme}://127.0.0.1:${port}`;
  const [program = '', ...args] = command;
  const server = spawn(program, args, {
    env: {
      ...process.env,
      ...env,
      BIND_HOST: '127.0.0.1',
      MINISTACK_HOST: '127.0.0.1',
      GATEWAY_PORT: `${port}`,
      LOG_LEVEL: 'WARNING',
    },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let log = '';
  server.stderr?.on('data', (text) => {
    log = (log + text).slice(-4000);
  });
  const failedToStart = once(server, 'spawn').then(
    () => undefined,
    (error: unknown) => {
      throw new Error(`Expected to start ${program}: set IQPIR_MINISTACK to the program of ministack 1.5.33.`, {
        cause: error,
      });
    },
  );
  await failedToStart;
  const giveUpAt = Date.now() + startingTakes;
  while (!(await isReady(endpoint))) {
    if (server.exitCode !== null || Date.now() > giveUpAt) {
      await stop(server);
      throw new Error(`Expected MiniStack to answer at ${endpoint}, it ended or stayed silent. It said:\n${log}`);
    }
    await pause(100);
  }
  return { endpoint, stop: () => stop(server) };
}

async function answersHealthy(endpoint: string): Promise<boolean> {
  try {
    return (await fetch(`${endpoint}/_ministack/health`)).ok;
  } catch {
    return false;
  }
}

async function stop(server: ChildProcess): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null) return;
  const ended = once(server, 'exit');
  server.kill('SIGTERM');
  const inTime = await Promise.race([ended, pause(stoppingTakes, 'too late', { ref: false })]);
  if (inTime !== 'too late') return;
  server.kill('SIGKILL');
  await ended;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (typeof address !== 'object' || address === null) throw new Error('Expected a port of this machine');
  return address.port;
}
