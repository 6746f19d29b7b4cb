import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { dispatchMessages, type MessagesContext } from '../../../functions/dispatch/messages.ts';
import type { Job } from '../../../functions/lib/cloud/submit-job.ts';
import { RestorationError } from '../../../functions/lib/contracts/errors.ts';
import { awsLayout } from '../../../functions/lib/contracts/keys.ts';
import { Settings } from '../../../functions/lib/contracts/settings.ts';
import { FolderStore } from '../../../functions/lib/storage/folder-store.ts';
import { readManifest } from '../../../functions/lib/storage/read-manifest.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

let store: FolderStore;
let dispose: () => Promise<void>;
let jobs: Job[];
let lines: Record<string, unknown>[];
beforeEach(async () => {
  const folder = await temporaryFolder();
  dispose = folder.dispose;
  store = new FolderStore({ root: folder.path });
  jobs = [];
  lines = [];
});
afterEach(() => dispose());

function context(changes: Partial<MessagesContext> = {}): MessagesContext {
  return {
    settings: Settings.parse({}),
    overwrite: false,
    store,
    layout: awsLayout(''),
    buckets: { uploads: 'up', results: 'down' },
    submitJob: async (job) => void jobs.push(job),
    log: (level, message, fields) => void lines.push({ level, message, ...fields }),
    ...changes,
  };
}

function message(messageId: string, key: string, detail: object = {}) {
  const object = { key, size: 1000, etag: 'e', 'version-id': 'v1', sequencer: '01' };
  const event = {
    id: messageId,
    source: 'aws.s3',
    'detail-type': 'Object Created',
    time: '2026-11-23T10:00:00Z',
    detail: { bucket: { name: 'up' }, object: { ...object, ...detail } },
  };
  return { messageId, body: JSON.stringify(event) };
}

const submitted = async () => (await readManifest(store, jobs[0]?.manifestKey ?? '')).shares.flat();

describe('dispatchMessages', () => {
  it('puts a batch into one manifest and submits one job over it', async () => {
    const batch = ['b.jpg', 'a b+%2B.png', 'c'].map((key, n) => message(`m${n}`, key));
    expect(await dispatchMessages(batch, context())).toEqual([]);
    expect(jobs).toMatchObject([{ shares: 1, manifestVersion: expect.any(String) }]);
    expect((await submitted()).map(({ key }) => key)).toEqual(['a b+%2B.png', 'b.jpg', 'c']);
  });

  it.each([
    ['no JSON', '{'],
    ['another event', JSON.stringify({ source: 'aws.s3', 'detail-type': 'Object Deleted' })],
    ['a time that is none', message('x', 'a.jpg').body.replace('2026-11-23T10:00:00Z', 'yesterday')],
  ])('hands back %s alone, and dispatches the others', async (_, body) => {
    const back = await dispatchMessages([message('m1', 'a.jpg'), { messageId: 'poison', body }], context());
    expect(back).toEqual(['poison']);
    expect((await submitted()).map(({ key }) => key)).toEqual(['a.jpg']);
    expect(lines).toContainEqual(expect.objectContaining({ level: 'error', messageId: 'poison' }));
  });

  it('ignores folder markers and what lies outside the prefix, with a line of log each', async () => {
    const batch = [message('m1', 'in/folder/'), message('m2', 'out.jpg')];
    expect(await dispatchMessages(batch, context({ layout: awsLayout('in/') }))).toEqual([]);
    expect(jobs).toEqual([]);
    expect(lines.map(({ reason }) => reason)).toEqual(['folder-marker', 'outside-prefix']);
  });

  it('ignores its own results where one bucket holds both, and nothing of the kind in a bucket of uploads alone', async () => {
    const own = [
      'results/a.jpg',
      'records/a.jpg.json',
      'manifests/x.json',
      'rows/date=2026-11-23/x.json',
      'models/m.onnx',
    ];
    const batch = own.map((key) => message(key, key));
    await dispatchMessages(batch, context({ buckets: { uploads: 'up', results: 'up' } }));
    expect(jobs).toEqual([]);
    expect(new Set(lines.map(({ reason }) => reason))).toEqual(new Set(['own-result']));
    await dispatchMessages(batch, context());
    expect(await submitted()).toHaveLength(own.length);
  });

  it('ignores another bucket', async () => {
    await dispatchMessages([message('m1', 'a.jpg')], context({ buckets: { uploads: 'other', results: 'down' } }));
    expect(lines).toMatchObject([{ reason: 'other-bucket' }]);
  });

  it('gives the same manifest for the same batch, repeated and in disorder', async () => {
    const batch = ['a', 'b', 'c'].map((key) => message(key, key));
    await dispatchMessages(batch, context());
    await dispatchMessages([...batch, ...batch].reverse(), context());
    expect(jobs).toHaveLength(2);
    expect(jobs[0]?.manifestKey).toBe(jobs[1]?.manifestKey);
  });

  it('takes of two versions of a key the later, whatever their order', async () => {
    const versions = [
      message('m2', 'a', { sequencer: '0A', 'version-id': 'v2' }),
      message('m1', 'a', { sequencer: '09' }),
    ];
    expect(await dispatchMessages(versions, context())).toEqual([]);
    expect(await submitted()).toMatchObject([{ version: 'v2' }]);
  });

  it('hands every upload back where no job could be submitted, but not what it ignored', async () => {
    const throttled = async () => {
      throw new RestorationError('store-unavailable', 'Batch said TooManyRequestsException');
    };
    const batch = [message('m1', 'a'), message('m2', 'folder/'), { messageId: 'm3', body: '' }, message('m4', 'b')];
    expect(await dispatchMessages(batch, context({ submitJob: throttled }))).toEqual(['m3', 'm1', 'm4']);
    expect(lines.at(-1)).toMatchObject({ level: 'error', code: 'store-unavailable', messages: 2 });
  });
});
