import { ReceiveMessageCommand, SendMessageCommand } from '@aws-sdk/client-sqs';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { awsLayout } from '../../../../functions/lib/contracts/keys.ts';
import { openQueues } from '../../../../functions/local/aws/dead-letter-queue.ts';
import { type Reading, type Redrive, readLetter, redrive } from '../../../../functions/local/aws/redrive.ts';
import { awsEnvironment, endpoint, newQueue, warnWithoutEndpoint } from '../../../support/aws-endpoint.ts';

const layout = awsLayout('in/');

function objectCreated(key: string): string {
  return JSON.stringify({
    id: '1',
    source: 'aws.s3',
    'detail-type': 'Object Created',
    time: '2026-11-23T10:00:00Z',
    detail: { bucket: { name: 'b' }, object: { key, size: 1, sequencer: '01' } },
  });
}

const failedJob = {
  'detail-type': 'Batch Job State Change',
  detail: { jobId: 'abc:2', status: 'FAILED', parameters: { manifest: 's3://r/manifests/2026-11-23/f.json' } },
};

describe('readLetter', () => {
  const read = (body: string, reason?: string) =>
    readLetter({ body, handle: 'h', sentAt: '2026-11-23T10:00:00.000Z', reason }, 'queue', layout);

  it('names the upload, and what EventBridge said of it', () => {
    const reading = read(objectCreated('in/a b+%2B.jpg'), 'NO_PERMISSIONS: not allowed');
    expect(reading).toMatchObject({ kind: 'upload', key: 'in/a b+%2B.jpg', message: 'NO_PERMISSIONS: not allowed' });
  });

  it.each([
    ['no JSON', 'hello', 'unreadable', 'no JSON: hello'],
    ['another event', '{"source":"aws.ec2"}', 'unreadable', 'no object-created event'],
    ['a folder marker', objectCreated('in/folder/'), 'ignorable', 'folder-marker'],
    ['a key outside the uploads', objectCreated('out/a.jpg'), 'ignorable', 'outside-prefix'],
    ['a failed job', JSON.stringify(failedJob), 'failed-job', 'job abc:2 failed for good over s3://r/manifests'],
    ['a failed job as Lambda wraps it', JSON.stringify({ requestPayload: failedJob }), 'failed-job', 'job abc:2'],
  ])('knows %s', (_, body, kind, message) => {
    const reading = read(body);
    expect(reading.kind).toBe(kind);
    expect(reading.message).toContain(message);
  });
});

warnWithoutEndpoint('Redrive over SQS', 'test/unit/local/aws/redrive.test.ts');

describe.skipIf(!endpoint)('redrive', () => {
  let dead: Awaited<ReturnType<typeof newQueue>>;
  let target: Awaited<ReturnType<typeof newQueue>>;
  let readings: Reading[];
  beforeEach(async () => {
    for (const [name, value] of Object.entries(awsEnvironment)) vi.stubEnv(name, value);
    [dead, target] = await Promise.all([newQueue('dead'), newQueue('target')]);
    readings = [];
  });
  afterEach(() => vi.unstubAllEnvs());

  const fill = async (...bodies: string[]) => {
    for (const MessageBody of bodies)
      await dead.client.send(new SendMessageCommand({ QueueUrl: dead.url, MessageBody }));
  };

  /** Every message that can be seen now. */
  async function visible({ client, url }: typeof dead): Promise<string[]> {
    const bodies: string[] = [];
    for (;;) {
      const request = new ReceiveMessageCommand({ QueueUrl: url, MaxNumberOfMessages: 10, VisibilityTimeout: 60 });
      const { Messages = [] } = await client.send(request);
      if (Messages.length === 0) return bodies.sort();
      bodies.push(...Messages.map(({ Body = '' }) => Body));
    }
  }

  function run(changes: Partial<Redrive> = {}) {
    const queues = openQueues();
    return redrive({
      queues: [queues.deadLetters(dead.url)],
      send: (body) => queues.send(target.url, body),
      deleteOthers: false,
      layout,
      signal: new AbortController().signal,
      onLetter: (reading) => void readings.push(reading),
      ...changes,
    });
  }

  const uploads = Array.from({ length: 23 }, (_, n) => objectCreated(`in/${n}.jpg`)).sort();

  it('moves every upload back as it was, and leaves what tells of none', async () => {
    await fill(...uploads, 'hello');
    expect(await run()).toEqual({ moved: 23, deleted: 0, left: 1 });
    expect(await visible(target)).toEqual(uploads);
    expect(await visible(dead)).toEqual(['hello']);
    expect(readings.filter(({ kind }) => kind === 'upload')).toHaveLength(23);
  });

  it('only looks in a dry run: every letter is there for the next who looks', async () => {
    await fill(...uploads);
    expect(await run({ send: undefined })).toEqual({ moved: 0, deleted: 0, left: 23 });
    expect(readings).toHaveLength(23);
    expect(await visible(target)).toEqual([]);
    expect(await visible(dead)).toEqual(uploads);
  });

  it('deletes what tells of no upload only when told to', async () => {
    await fill('hello', ...uploads.slice(0, 2));
    expect(await run({ deleteOthers: true })).toEqual({ moved: 2, deleted: 1, left: 0 });
    expect(await visible(dead)).toEqual([]);
  });

  it('loses no letter when sending fails in between', async () => {
    await fill(...uploads.slice(0, 5));
    let sent = 0;
    const send = async () => {
      sent += 1;
      if (sent === 3) throw new Error('no connection');
    };
    await expect(run({ send })).rejects.toThrow('no connection');
    expect(await visible(dead)).toEqual(uploads.slice(0, 5));
  });

  it('says which queue it could not read', async () => {
    const queues = [openQueues().deadLetters(`${dead.url}-unknown`)];
    await expect(run({ queues })).rejects.toMatchObject({
      code: 'invalid-configuration',
      message: expect.stringContaining('-unknown'),
    });
  });
});
