import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { type DeliveredRecord, RestorationRecord } from '../functions/lib/contracts/record.ts';

export interface Measured {
  records: DeliveredRecord[];
  /** Seconds from the start of the process to its end. */
  wall: number;
  /** Highest resident memory of the process, bytes: the kernel's own mark on Linux, elsewhere what the last record says. */
  peakMemory: number;
}

const command = join(import.meta.dirname, '..', 'functions', 'local', 'bin.mjs');

/** ms; the kernel keeps the mark, so only what is reached after the last look is missed. */
const lookEvery = 50;

/** Restores pictures, all of which must come out better, with the real command line in a process of its own. */
export async function measure(pictures: string[], options: { threads?: string; device: string }): Promise<Measured> {
  const output = await mkdtemp(join(tmpdir(), 'iqpir-bench-'));
  const threads = options.threads ? ['--threads', options.threads] : [];
  const args = ['restore', ...pictures, '-o', output, '--json', '--device', options.device];
  try {
    const started = performance.now();
    const child = spawn(process.execPath, [command, ...args, ...threads], { stdio: ['ignore', 'pipe', 'pipe'] });
    let mark = 0;
    const look = async () => {
      mark = Math.max(mark, await highWaterMark(child.pid));
    };
    const timer = setInterval(look, lookEvery);
    const [stdout, stderr, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')]);
    clearInterval(timer);
    const wall = (performance.now() - started) / 1000;
    if (code !== 0) throw new Error(`Expected iqpir restore to end with 0, it ended with ${code}:\n${stderr}`);
    const records = stdout.trim().split('\n').map(readDelivered);
    return { records, wall, peakMemory: Math.max(mark, ...records.map(({ peakMemory }) => peakMemory)) };
  } finally {
    await rm(output, { recursive: true, force: true });
  }
}

function readDelivered(line: string): DeliveredRecord {
  const record = RestorationRecord.parse(JSON.parse(line));
  if (record.status === 'succeeded') return record;
  const { message } = record.status === 'failed' ? record.error : record.decision;
  throw new Error(`Expected ${record.source.key} to be restored, but: ${message}`);
}

/** bytes; 0 where there is no /proc, or the process has ended. */
async function highWaterMark(pid: number | undefined): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
  return Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1] ?? 0) * 1024;
}
