import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Kill, type KillPoint, killCauses, killPoints } from './kill-points.ts';

/** Called wherever a point is passed; does not return where the worker is to die there. */
export type Pass = (point: KillPoint) => void;

/**
 * Each point kills twice in all, once for each cause, whichever worker gets there first: the file that is made with it is the
 * claim. How often a worker passes before it dies comes of its job, so that workers die in the middle of their shares, too;
 * out of memory only late, since that leaves the rest of the share to settle.
 */
export function reaper(folder: string, jobId: string, attempt: number): Pass {
  const passed = new Map<string, number>();
  return (point) => {
    const times = (passed.get(point) ?? 0) + 1;
    passed.set(point, times);
    const once = point.includes('manifest');
    const spread = createHash('sha256').update(`${jobId} ${attempt} ${point}`).digest().readUInt8();
    for (const cause of killCauses) {
      const due = once ? 1 : cause === 'host' ? 1 + (spread % 12) : 15 + (spread % 12);
      if (times >= due && claimed(folder, { point, cause, jobId, attempt })) process.kill(process.pid, 'SIGKILL');
    }
  };
}

function claimed(folder: string, kill: Kill): boolean {
  const name = `${killPoints.indexOf(kill.point)}-${kill.cause}.json`;
  try {
    writeFileSync(join(folder, name), JSON.stringify(kill), { flag: 'wx' });
    return true;
  } catch {
    return false;
  }
}
