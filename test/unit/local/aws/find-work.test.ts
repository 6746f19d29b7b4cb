import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { awsLayout, recordKey } from '../../../../functions/lib/contracts/keys.ts';
import type { RestorationRecord, Source } from '../../../../functions/lib/contracts/record.ts';
import { FolderStore } from '../../../../functions/lib/storage/folder-store.ts';
import type { ObjectInfo } from '../../../../functions/lib/storage/store.ts';
import { findWork, type Search } from '../../../../functions/local/aws/find-work.ts';
import { deliveredRecord, failedRecord } from '../../../support/records.ts';

const layout = awsLayout('');
const before = '2026-11-20T10:00:00.000Z';
/** After every record that a test puts. */
const afterwards = '2099-01-01T00:00:00.000Z';

let root: string;
let results: FolderStore;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'find-work-'));
  results = new FolderStore({ root });
});
afterEach(() => rm(root, { recursive: true }));

function upload(key: string, changes: Partial<ObjectInfo> = {}): ObjectInfo {
  return { key, size: 1000, etag: `etag of ${key}`, version: 'v2', lastModified: before, ...changes };
}

async function record(
  key: string,
  content: (source: Source) => RestorationRecord | string,
  source: Partial<Source> = {},
) {
  const made = content({ bucket: 'b', key, version: 'v2', size: 1000, lastModified: before, ...source });
  await results.put(recordKey(layout, key), Buffer.from(typeof made === 'string' ? made : JSON.stringify(made)));
}

const delivered = (source: Source) => deliveredRecord({ source });

async function find(uploads: ObjectInfo[], changes: Partial<Search> = {}) {
  async function* listing() {
    yield* uploads;
  }
  const needs: Record<string, string> = {};
  for await (const { upload, need } of findWork({
    uploads: listing(),
    bucket: 'b',
    results,
    layout,
    below: '',
    ...changes,
  })) {
    needs[upload.key] = need;
  }
  return needs;
}

describe('findWork', () => {
  it('finds uploads without a record, among those that have theirs', async () => {
    await record('b.jpg', delivered);
    await record('c.jpg', (source) => failedRecord({ source }));
    expect(await find(['a.jpg', 'b.jpg', 'c.jpg', 'd.jpg'].map((key) => upload(key)))).toEqual({
      'a.jpg': 'missing',
      'b.jpg': 'settled',
      'c.jpg': 'settled',
      'd.jpg': 'missing',
    });
  });

  it('takes the record of an earlier version for none', async () => {
    await record('a.jpg', delivered, { version: 'v1', lastModified: '2026-11-19T10:00:00.000Z' });
    expect(await find([upload('a.jpg')])).toEqual({ 'a.jpg': 'missing' });
  });

  it('leaves an upload alone whose later version is settled already', async () => {
    await record('a.jpg', delivered, { version: 'v3', lastModified: '2026-11-21T10:00:00.000Z' });
    expect(await find([upload('a.jpg')])).toEqual({ 'a.jpg': 'settled' });
  });

  it('compares etags where the bucket keeps no versions', async () => {
    const plain = { version: undefined };
    await record('a.jpg', delivered, { ...plain, etag: 'etag of a.jpg' });
    await record('b.jpg', delivered, { ...plain, etag: 'another', lastModified: '2026-11-19T10:00:00.000Z' });
    expect(await find([upload('a.jpg', plain), upload('b.jpg', plain)])).toEqual({
      'a.jpg': 'settled',
      'b.jpg': 'missing',
    });
  });

  it('tells what failed because of the picture from what failed otherwise', async () => {
    await record('input.jpg', (source) => failedRecord({ source }, 'input'));
    await record('passing.jpg', (source) => failedRecord({ source }, 'transient'));
    expect(await find([upload('input.jpg'), upload('passing.jpg')])).toEqual({
      'input.jpg': 'settled',
      'passing.jpg': 'failed',
    });
  });

  it('compares settings only when asked to', async () => {
    await record('a.jpg', delivered);
    expect(await find([upload('a.jpg')])).toEqual({ 'a.jpg': 'settled' });
    expect(await find([upload('a.jpg')], { settingsHashOf: async () => 'f'.repeat(64) })).toEqual({
      'a.jpg': 'outdated',
    });
    expect(await find([upload('a.jpg')], { settingsHashOf: async () => 'a'.repeat(64) })).toEqual({
      'a.jpg': 'settled',
    });
  });

  it('says where something else lies at the place of a record, and goes on', async () => {
    await record('a.jpg', () => 'hello');
    await record('b.jpg', () => '{"version":1}');
    expect(await find([upload('a.jpg'), upload('b.jpg'), upload('c.jpg')])).toEqual({
      'a.jpg': 'unreadable',
      'b.jpg': 'unreadable',
      'c.jpg': 'missing',
    });
  });

  it('looks up the record of a name too long to be listed by it', async () => {
    const [settled, open] = ['x', 'y'].map((letter) => `${letter.repeat(300)}.jpg`) as [string, string];
    await record(settled, delivered);
    expect(await find([upload(settled), upload(open)])).toEqual({ [settled]: 'settled', [open]: 'missing' });
  });

  it('leaves out folder markers, and what was put before a date', async () => {
    const uploads = [upload('folder/'), upload('a.jpg', { lastModified: '2026-11-01T00:00:00.000Z' }), upload('b.jpg')];
    expect(await find(uploads, { since: '2026-11-20T00:00:00.000Z' })).toEqual({ 'b.jpg': 'missing' });
  });

  it('takes no result for an upload where one bucket holds both', async () => {
    const both = { bucket: results.bucket, below: '' };
    const uploads = ['a.jpg', 'manifests/2026-11-23/f.json', 'records/a.jpg.json', 'results/a.jpg', 'rows/r.json'];
    expect(
      await find(
        uploads.map((key) => upload(key)),
        both,
      ),
    ).toEqual({ 'a.jpg': 'missing' });
  });

  it('reads no record that the listings make needless, and each other one once', async () => {
    for (const key of ['a.jpg', 'b.jpg']) await record(key, delivered);
    const read: string[] = [];
    const counting = {
      bucket: results.bucket,
      list: (prefix: string) => results.list(prefix),
      get: (key: string) => {
        read.push(key);
        return results.get(key);
      },
    };
    const uploads = [upload('a.jpg', { lastModified: afterwards }), upload('b.jpg'), upload('c.jpg')];
    const needs = await find(uploads, { results: counting });
    expect(needs).toEqual({ 'a.jpg': 'missing', 'b.jpg': 'settled', 'c.jpg': 'missing' });
    expect(read).toEqual(['records/b.jpg.json']);
  });
});
