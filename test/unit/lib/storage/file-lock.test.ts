import { mkdir, readdir, readFile, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Bookkeeping, bookkeepingOf } from '../../../../functions/lib/storage/bookkeeping.ts';
import { breakDeadLocks, withLock } from '../../../../functions/lib/storage/file-lock.ts';
import { isOwnerDead, newToken } from '../../../../functions/lib/storage/process-token.ts';
import { startChild } from '../../../support/child-program.ts';
import { expectCode } from '../../../support/store-under-test.ts';
import { temporaryFolder } from '../../../support/temporary-folder.ts';

const patience = 10_000;

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let own: Bookkeeping;
beforeEach(async () => {
  folder = await temporaryFolder();
  own = bookkeepingOf(folder.path);
});
afterEach(() => folder.dispose());

/** This process's pid with the start of a process that had it before. */
function tokenOfEarlierProcess(): string {
  const [machine, pid, start = ''] = newToken().split('-');
  return [machine, pid, start.replace(/\.\d+$/, '.1'), '0123456789abcdef'].join('-');
}

describe('A lock', () => {
  it('is held by one at a time', async () => {
    await expectOneAtATime(own, 'key');
    expect(await readdir(own.locks)).toEqual([]);
    expect(await readdir(own.tmp)).toEqual([]);
  });

  it('is free again after work that failed', async () => {
    await expect(
      withLock(own, 'key', async () => {
        throw new Error('no luck');
      }),
    ).rejects.toThrow('no luck');
    expect(await withLock(own, 'key', async () => 'free')).toBe('free');
  });

  it('is waited for as long as its process lives, then given up as store-unavailable', async () => {
    const holder = startChild('lock-holder.ts', [folder.path, 'key']);
    await holder.firstLine;
    const error = await expectCode(
      withLock(own, 'key', async () => 'mine', 300),
      'store-unavailable',
    );
    expect(error.message).toContain(`process ${holder.process.pid}`);
    await holder.kill();
    const started = Date.now();
    expect(await withLock(own, 'key', async () => 'mine')).toBe('mine');
    expect(Date.now() - started).toBeLessThan(10_000);
  });

  it('of a dead process is broken by exactly one of many who meet it', async () => {
    for (let round = 0; round < 10; round += 1) {
      await mkdir(own.locks, { recursive: true });
      await writeFile(join(own.locks, 'key'), tokenOfEarlierProcess());
      await expectOneAtATime(own, 'key');
    }
    expect(await readdir(own.locks)).toEqual([]);
  });

  it('of a process that died while it broke a lock is broken too', async () => {
    await mkdir(own.locks, { recursive: true });
    const dead = tokenOfEarlierProcess();
    await writeFile(join(own.locks, 'key'), dead);
    await writeFile(
      join(own.locks, `key.${dead.slice(-16)}`),
      tokenOfEarlierProcess().replace(/\w{16}$/, 'f'.repeat(16)),
    );
    expect(await withLock(own, 'key', async () => 'mine')).toBe('mine');
    expect(await readdir(own.locks)).toEqual([]);
  });

  it('without a readable owner is broken once it is old, and not before', async () => {
    await mkdir(own.locks, { recursive: true });
    const path = join(own.locks, 'key');
    await writeFile(path, '');
    await expectCode(
      withLock(own, 'key', async () => 'mine', 100),
      'store-unavailable',
    );
    const longAgo = Date.now() / 1000 - 60;
    await utimes(path, longAgo, longAgo);
    expect(await withLock(own, 'key', async () => 'mine')).toBe('mine');
  });

  it('of a living process outlives the clean-up, a dead one does not', async () => {
    await withLock(own, 'living', async () => {
      await writeFile(join(own.locks, 'dead'), tokenOfEarlierProcess());
      await breakDeadLocks(own);
      expect(await readdir(own.locks)).toEqual(['living']);
      expect(await readFile(join(own.locks, 'living'), 'utf8')).toContain(`-${process.pid}-`);
    });
  });
});

describe('The owner of a token', () => {
  it('lives as long as its process', async () => {
    expect(isOwnerDead(newToken(), 0, patience)).toBe(false);
    expect(isOwnerDead(newToken(), patience + 1, patience)).toBe(false);
  });

  it('is dead where another process has its pid now', () => {
    expect(isOwnerDead(tokenOfEarlierProcess(), 0, patience)).toBe(true);
  });

  it('is judged by age on another machine', () => {
    const elsewhere = newToken().replace(/^\w{8}/, '00000000');
    expect(isOwnerDead(elsewhere, patience - 1, patience)).toBe(false);
    expect(isOwnerDead(elsewhere, patience + 1, patience)).toBe(true);
  });
});

async function expectOneAtATime(folders: Bookkeeping, name: string): Promise<void> {
  let inside = 0;
  let most = 0;
  const work = async () => {
    inside += 1;
    most = Math.max(most, inside);
    await pause(1);
    inside -= 1;
  };
  await Promise.all(Array.from({ length: 16 }, () => withLock(folders, name, work)));
  expect(most).toBe(1);
}
