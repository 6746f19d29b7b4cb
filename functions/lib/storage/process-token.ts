import { createHash, randomBytes } from 'node:crypto';
import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';

/**
 * The name of something that belongs to a process: `<machine>-<pid>-<start>-<nonce>`. Machine is the host and its
 * process namespace, since a pid says nothing outside of them; start tells a process from a later one with its pid.
 */
const shape = /^([0-9a-f]{8})-(\d+)-([0-9a-f.]+)-[0-9a-f]{16}$/;

const noStart = '0';

export function newToken(): string {
  return `${thisMachine()}-${process.pid}-${startOf(process.pid) ?? noStart}-${randomBytes(8).toString('hex')}`;
}

/** The pid in a token, for messages. */
export function pidOf(token: string): string {
  return shape.exec(token)?.[2] ?? 'unknown';
}

/**
 * Whether the process that made a token lives no more.
 * @param age milliseconds since its thing was last touched; decides where the process itself cannot be asked:
 *   on another machine, or where the system tells no start times
 * @param patience from which age on such a thing is given up
 */
export function isOwnerDead(token: string, age: number, patience: number): boolean {
  const [, machine, pid, start] = shape.exec(token) ?? [];
  if (machine !== thisMachine()) return age > patience;
  if (!isRunning(Number(pid))) return true;
  if (start !== noStart) return startOf(Number(pid)) !== start;
  return Number(pid) !== process.pid && age > patience;
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

/** Boot and clock tick at which a process started; undefined for a dead one, and on systems other than Linux. */
function startOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The second field is the command in parentheses and may hold blanks; state is the 3rd field, the start the 22nd.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const isZombie = fields[0] === 'Z' || fields[0] === 'X';
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').slice(0, 8);
    return isZombie || !fields[19] ? undefined : `${boot}.${fields[19]}`;
  } catch {
    return undefined;
  }
}

function thisMachine(): string {
  let namespace = '';
  try {
    namespace = readlinkSync('/proc/self/ns/pid');
  } catch {
    // Only Linux has them.
  }
  return createHash('sha256').update(`${hostname()} ${namespace}`).digest('hex').slice(0, 8);
}
