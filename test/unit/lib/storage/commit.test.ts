import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Upload } from '../../../../functions/lib/contracts/object-event.ts';
import type { RestorationRecord, Result } from '../../../../functions/lib/contracts/record.ts';
import { type Claim, commit, type Delivery } from '../../../../functions/lib/storage/commit.ts';
import { FolderStore } from '../../../../functions/lib/storage/folder-store.ts';
import { readCommitted, standingOf } from '../../../../functions/lib/storage/standing.ts';
import { deliveredRecord, failedRecord } from '../../../support/records.ts';

const hash = (text: string) => createHash('sha256').update(text).digest('hex');
const first: Upload = {
  bucket: 'b',
  key: 'a.jpg',
  version: '1',
  size: 3,
  sequencer: '01',
  eventTime: '2026-11-23T10:00:00Z',
};
const second: Upload = { ...first, version: '2', sequencer: '02' };

let root: string;
let store: FolderStore;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'commit-'));
  store = new FolderStore({ root });
});
afterEach(() => rm(root, { recursive: true }));

function claimOf(upload: Upload, settings = 'first settings'): Claim {
  return {
    upload,
    settingsHash: hash(settings),
    overwrite: false,
    recordKey: 'records/a.jpg.json',
    resultKeys: ['a.jpg', 'a.png'],
  };
}

function deliveryOf(content: string, key = 'a.jpg'): Delivery {
  const result: Result = {
    bucket: root,
    key,
    sha256: hash(content),
    size: content.length,
    format: 'jpeg',
    width: 1,
    height: 1,
  };
  return { result, contentType: 'image/jpeg', body: async () => Buffer.from(content) };
}

function succeeded(claim: Claim) {
  return (result?: Result): RestorationRecord =>
    deliveredRecord({
      source: sourceOf(claim.upload),
      settingsHash: claim.settingsHash,
      ...(result ? { result } : {}),
    });
}

function failed(claim: Claim, fault: 'input' | 'transient' = 'input') {
  return (): RestorationRecord =>
    failedRecord({ source: sourceOf(claim.upload), settingsHash: claim.settingsHash }, fault);
}

const sourceOf = ({ bucket, key, version, size, sequencer }: Upload) => ({ bucket, key, version, size, sequencer });
const content = (key: string) => readFile(join(root, key), 'utf8');
const recordNow = async () => JSON.parse(await content('records/a.jpg.json'));

describe('commit', () => {
  it('puts the result, then the record that names its bytes', async () => {
    const claim = claimOf(first);
    expect(await commit(store, claim, deliveryOf('one'), succeeded(claim))).toBe('open');
    expect(await content('a.jpg')).toBe('one');
    expect((await recordNow()).result.sha256).toBe(hash('one'));
  });

  it('leaves what is done alone', async () => {
    const claim = claimOf(first);
    await commit(store, claim, deliveryOf('one'), succeeded(claim));
    expect(await commit(store, claim, deliveryOf('again'), succeeded(claim))).toBe('done');
    expect(await content('a.jpg')).toBe('one');
  });

  it('replaces an older version, never a newer one', async () => {
    const [older, newer] = [claimOf(first), claimOf(second)];
    await commit(store, newer, deliveryOf('two'), succeeded(newer));
    expect(await commit(store, older, deliveryOf('one'), succeeded(older))).toBe('overtaken');
    expect(await content('a.jpg')).toBe('two');
    expect((await recordNow()).source.version).toBe('2');
  });

  it('does not replace the image of a newer version whose record is still to come', async () => {
    const [older, newer] = [claimOf(first), claimOf(second)];
    await commit(store, newer, deliveryOf('two'), succeeded(newer));
    await store.delete('records/a.jpg.json');
    expect(await commit(store, older, deliveryOf('one'), succeeded(older))).toBe('overtaken');
    expect(await content('a.jpg')).toBe('two');
  });

  it('adopts an image that another attempt put without reaching its record', async () => {
    const claim = claimOf(first);
    await commit(store, claim, deliveryOf('theirs'), succeeded(claim));
    await store.delete('records/a.jpg.json');
    expect(await commit(store, claim, deliveryOf('ours'), succeeded(claim))).toBe('open');
    expect(await content('a.jpg')).toBe('theirs');
    expect((await recordNow()).result.sha256).toBe(hash('theirs'));
  });

  it('redoes other settings only when told to, and removes the result they replaced', async () => {
    const claim = claimOf(first);
    await commit(store, claim, deliveryOf('one'), succeeded(claim));
    const other = claimOf(first, 'other settings');
    expect(await commit(store, other, deliveryOf('png', 'a.png'), succeeded(other))).toBe('other-settings');
    expect(await commit(store, { ...other, overwrite: true }, deliveryOf('png', 'a.png'), succeeded(other))).toBe(
      'open',
    );
    expect(await content('a.png')).toBe('png');
    expect(await store.head('a.jpg')).toBeUndefined();
  });

  it('redoes what is outdated once: a retry leaves alone what the first attempt redid', async () => {
    const claim = claimOf(first);
    await commit(store, claim, deliveryOf('one'), succeeded(claim));
    const upgrade: Claim = { ...claimOf(first, 'other settings'), overwrite: 'outdated' };
    expect(await commit(store, upgrade, deliveryOf('two'), succeeded(upgrade))).toBe('open');
    expect(await commit(store, upgrade, deliveryOf('three'), succeeded(upgrade))).toBe('done');
    expect(await content('a.jpg')).toBe('two');
  });

  it('tries a transient failure again, and takes a failure by input for done', async () => {
    const claim = claimOf(first);
    await commit(store, claim, undefined, failed(claim, 'transient'));
    expect(await commit(store, claim, undefined, failed(claim, 'input'))).toBe('open');
    expect(await commit(store, claim, deliveryOf('one'), succeeded(claim))).toBe('done');
  });

  it('removes the older version’s result when the newer one fails', async () => {
    const [older, newer] = [claimOf(first), claimOf(second)];
    await commit(store, older, deliveryOf('one'), succeeded(older));
    expect(await commit(store, newer, undefined, failed(newer))).toBe('open');
    expect(await store.head('a.jpg')).toBeUndefined();
  });

  it('never replaces a file that is not its own', async () => {
    await writeFile(join(root, 'a.jpg'), 'precious');
    const claim = claimOf(first);
    await expect(commit(store, claim, deliveryOf('one'), succeeded(claim))).rejects.toMatchObject({
      code: 'output-collision',
    });
    expect(await content('a.jpg')).toBe('precious');
  });

  it('never replaces a result that somebody has edited since', async () => {
    const claim = claimOf(first);
    await commit(store, claim, deliveryOf('one'), succeeded(claim));
    await writeFile(join(root, 'a.jpg'), 'edited');
    const newer = claimOf(second);
    await expect(commit(store, newer, deliveryOf('two'), succeeded(newer))).rejects.toMatchObject({
      code: 'output-collision',
    });
    expect(await content('a.jpg')).toBe('edited');
  });

  it('lets exactly one of many racing writers commit', async () => {
    const claim = claimOf(first);
    const racers = Array.from({ length: 8 }, () => commit(store, claim, deliveryOf('one'), succeeded(claim)));
    const ends = await Promise.all(racers);
    expect(ends.filter((end) => end === 'open')).toHaveLength(1);
    expect(ends.filter((end) => end === 'done')).toHaveLength(7);
  });

  it('refuses a record key that holds something else', async () => {
    await store.put('records/a.jpg.json', Buffer.from('no json'));
    await expect(readCommitted(store, 'records/a.jpg.json')).rejects.toMatchObject({ code: 'invalid-record' });
  });
});

describe('standingOf', () => {
  const { sequencer: _, ...backfill } = second;

  it('lets a backfill give way to a record that is not older', () => {
    const record = {
      version: 1,
      status: 'succeeded',
      source: { key: 'a.jpg', version: '1', lastModified: '2026-11-24T00:00:00Z' },
    };
    expect(standingOf({ record, etag: 'e' }, backfill, 'h')).toBe('overtaken');
  });

  it('counts a record of a newer schema as committed', () => {
    const record = { version: 2, status: 'succeeded', settingsHash: 'other', source: { key: 'a.jpg', version: '1' } };
    expect(standingOf({ record, etag: 'e' }, first, 'h')).toBe('done');
  });
});
