import { createHash } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { buffer } from 'node:stream/consumers';
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { bookkeepingOf } from '../../../../functions/lib/storage/bookkeeping.ts';
import { FolderStore } from '../../../../functions/lib/storage/folder-store.ts';
import { startChild } from '../../../support/child-program.ts';
import { keysOf } from '../../../support/store-under-test.ts';
import { temporaryFolder } from '../../../support/temporary-folder.ts';

const kills = 8;

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
beforeEach(async () => {
  folder = await temporaryFolder();
});
afterEach(() => folder.dispose());

describe('FolderStore and processes', () => {
  it(`loses nothing when a writer is killed in the middle of its puts, ${kills} times`, {
    timeout: 180_000,
  }, async () => {
    for (let kill = 0; kill < kills; kill += 1) {
      const writer = startChild('busy-writer.ts', [folder.path]);
      await writer.firstLine;
      await pause(20 + Math.random() * 150);
      await writer.kill();

      const store = new FolderStore({ root: folder.path });
      const keys = await keysOf(store, '');
      for (const key of keys) {
        const { head, body } = await store.get(key);
        const sha256 = createHash('sha256')
          .update(await buffer(body))
          .digest('hex');
        expect(head.version).toBe(sha256);
        expect(head.metadata).toEqual({ sha256 });
      }
      const own = bookkeepingOf(folder.path);
      expect(await readdir(own.tmp)).toEqual([]);
      expect(await readdir(own.locks)).toEqual([]);

      const started = Date.now();
      for (const key of ['a', 'b/c', 'b/d/e', 'new folder/f']) await store.delete(key);
      expect(Date.now() - started).toBeLessThan(20_000);
      expect(await keysOf(store, '')).toEqual([]);
    }
  });

  it('lets two processes count in one object without losing a count', { timeout: 120_000 }, async () => {
    const args = [folder.path, 'counts/total', '25'];
    const counters = [startChild('counting-writer.ts', args), startChild('counting-writer.ts', args)];
    const ends = await Promise.allSettled(counters.map(({ finished }) => finished));
    expect(ends.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled']);
    const { body } = await new FolderStore({ root: folder.path }).get('counts/total');
    expect((await buffer(body)).toString()).toBe('50');
  });
});
