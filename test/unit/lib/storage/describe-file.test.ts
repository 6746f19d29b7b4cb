import { mkdir, open, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { compareSequencers } from '../../../../functions/lib/contracts/object-event.ts';
import { describeFile, sequencerOf } from '../../../../functions/lib/storage/describe-file.ts';
import { expectCode } from '../../../support/store-under-test.ts';
import { temporaryFolder } from '../../../support/temporary-folder.ts';

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
beforeEach(async () => {
  folder = await temporaryFolder();
});
afterEach(() => folder.dispose());

describe('A file as the source of an event', () => {
  it('has its size, its sha256 and its time in nanoseconds', async () => {
    const path = join(folder.path, 'a');
    await writeFile(path, 'hello');
    const described = await describeFile(path);
    expect(described.size).toBe(5);
    expect(described.sha256).toBe('2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824');
    expect(Math.abs(Number(described.mtimeNs / 1_000_000n) - Date.now())).toBeLessThan(60_000);
  });

  it('is source-gone where there is none, or a folder', async () => {
    await expectCode(describeFile(join(folder.path, 'none')), 'source-gone');
    await mkdir(join(folder.path, 'folder.jpg'));
    await expectCode(describeFile(join(folder.path, 'folder.jpg')), 'source-gone');
  });

  it('is store-unavailable while it is written', async () => {
    const path = join(folder.path, 'growing');
    await writeFile(path, Buffer.alloc(64 << 20));
    const file = await open(path, 'a');
    let isWriting = true;
    const writing = (async () => {
      while (isWriting) await file.write(Buffer.alloc(100));
    })();
    const error = await expectCode(describeFile(path), 'store-unavailable');
    isWriting = false;
    await writing;
    await file.close();
    expect(error.message).toContain('growing');
  });
});

describe('A sequencer of a file', () => {
  it('is 16 hex digits that order as the times do', () => {
    expect(sequencerOf(1_795_441_512_666_728_000n)).toBe('18eab08b097d8640');
    expect(sequencerOf(-1n)).toBe('0000000000000000');
    expect(compareSequencers(sequencerOf(1n), sequencerOf(2n))).toBeLessThan(0);
    expect(compareSequencers(sequencerOf(15n), sequencerOf(16n))).toBeLessThan(0);
  });
});
