import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DisableRuleCommand, EnableRuleCommand } from '@aws-sdk/client-eventbridge';
import { GetObjectCommand, GetObjectTaggingCommand } from '@aws-sdk/client-s3';
import { SendMessageCommand, SetQueueAttributesCommand } from '@aws-sdk/client-sqs';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RestorationRecord } from '../../../functions/lib/contracts/record.ts';
import { RestorationCompleted } from '../../../functions/lib/contracts/restoration-completed.ts';
import { drain, queueOf, ruleOfUploads } from '../../support/aws/chaos/event-tap.ts';
import { chainAsked, saySkipped } from '../../support/aws/needs.ts';
import { type Pipeline, pipelineStack, startPipeline } from '../../support/aws/pipeline.ts';
import { untilQuiet, untilSettled } from '../../support/aws/quiet.ts';
import { uploader } from '../../support/aws/uploads.ts';
import { iqpir, root } from '../../support/cli.ts';
import { photoLike } from '../../support/generated-pictures.ts';

const prefix = 'photos/';
const patience = 900_000;

/** Keys that other systems decode, normalise, cut or lose. */
const oddKeys = [
  'with space.png',
  'test+b.png',
  '%2B%20%%%.png',
  '%2B++ %20.png',
  'composed-\u00e9.png',
  'decomposed-e\u0301.png',
  `#?&'".png`,
  'SHOUTED.JPG',
  'no-extension',
  '.hidden',
  '..two-dots.png',
  'a//b.png',
  `${'l'.repeat(1024 - prefix.length - 4)}.png`,
  '写真/日本.png',
];

saySkipped('the whole path on an emulator of AWS');

describe.skipIf(!chainAsked)('the pipeline, created from its synthesised templates', { timeout: patience }, () => {
  let pipeline: Pipeline;
  let uploads: ReturnType<typeof uploader>;
  let completed: string;
  let tiny: Buffer;

  beforeAll(async () => {
    pipeline = await startPipeline({ longestWindow: 3 });
    uploads = uploader(pipeline.buckets);
    const pattern = { source: ['iqpir.restore'] };
    completed = await queueOf(pipeline.events, pipeline.sqs, 'completed', pattern);
    const { width, height, channels, pixels } = photoLike(48, 40, { seed: 3 });
    tiny = await sharp(pixels, { raw: { width, height, channels } }).png().toBuffer();
  }, patience);
  afterAll(() => pipeline?.stop(), 120_000);

  const sample = (name: string) => readFile(join(root, 'samples', name));

  async function get(key: string): Promise<{ body: Buffer; contentType?: string; metadata?: Record<string, string> }> {
    const { s3, buckets } = pipeline;
    const found = await s3.send(new GetObjectCommand({ Bucket: buckets.results, Key: key }));
    const body = Buffer.from((await found.Body?.transformToByteArray()) ?? []);
    return { body, contentType: found.ContentType, metadata: found.Metadata };
  }

  async function recordOf(name: string): Promise<RestorationRecord> {
    return RestorationRecord.parse(JSON.parse((await get(`records/${name}.json`)).body.toString()));
  }

  const command = (name: string, ...args: string[]) =>
    iqpir(['aws', name, ...args, '--stack', pipelineStack], { env: pipeline.environment });

  it('restores what is uploaded, delivers what is good as it is, and says of every other file what is wrong with it', async () => {
    await uploads.put(`${prefix}damaged.jpg`, await sample('pagoda.jpg'));
    await uploads.put(`${prefix}tiny.png`, tiny);
    await uploads.put(`${prefix}as-webp.png`, tiny, { 'iqpir-format': 'webp', 'iqpir-score': '0.9' });
    await uploads.put(`${prefix}wrong-wish.png`, tiny, { 'iqpir-score': 'very good' });
    await uploads.put(`${prefix}not-a-photo.jpg`, await sample('not-a-photo.jpg'));
    await uploads.put(`${prefix}empty.jpg`, Buffer.alloc(0));
    await uploads.put(`${prefix}folder/`, Buffer.alloc(0));
    const { breaches, counts } = await untilSettled(pipeline, uploads.originals);
    console.log('the first uploads:', JSON.stringify(counts));
    expect(breaches).toEqual([]);
    expect(counts).toMatchObject({ uploads: 6, records: 6 });

    const damaged = await recordOf('damaged.jpg');
    expect(damaged).toMatchObject({ status: 'succeeded', result: { key: 'results/damaged.jpg' }, device: 'cpu' });
    expect((await recordOf('not-a-photo.jpg')).status).toBe('failed');
    expect(await recordOf('empty.jpg')).toMatchObject({
      status: 'failed',
      error: { code: 'empty-file', fault: 'input' },
    });
    expect(await recordOf('wrong-wish.png')).toMatchObject({ status: 'failed', error: { code: 'invalid-request' } });
    expect(await recordOf('as-webp.png')).toMatchObject({ settings: { format: 'webp', score: 0.9 } });
  });

  it('gives results the type, the tags and the summary by which others find them', async () => {
    const { body, contentType, metadata } = await get('results/damaged.jpg');
    expect(contentType).toBe('image/jpeg');
    expect((await sharp(body).metadata()).format).toBe('jpeg');
    expect(metadata).toMatchObject({ 'iqpir-sha256': expect.stringMatching(/^[0-9a-f]{64}$/) });
    const request = { Bucket: pipeline.buckets.results, Key: 'results/damaged.jpg' };
    const { TagSet = [] } = await pipeline.s3.send(new GetObjectTaggingCommand(request));
    expect(TagSet.map(({ Value }) => Value)).toContain('succeeded');
    expect((await get('results/as-webp.webp')).contentType).toBe('image/webp');
  });

  it('tells the bus of every record', async () => {
    const bodies = await drain(pipeline.sqs, completed, 100);
    const details = bodies.map((body) => RestorationCompleted.parse(JSON.parse(body).detail));
    const keys = new Set(details.map(({ source }) => source.key));
    expect([...keys].sort()).toEqual(
      ['as-webp.png', 'damaged.jpg', 'empty.jpg', 'not-a-photo.jpg', 'tiny.png', 'wrong-wish.png'].map(
        (name) => prefix + name,
      ),
    );
  });

  it('takes keys as they are', async () => {
    for (const key of oddKeys) await uploads.put(prefix + key, tiny);
    const { breaches, counts } = await untilSettled(pipeline, uploads.originals);
    console.log('with odd keys:', JSON.stringify(counts));
    expect(breaches).toEqual([]);
    expect(counts.uploads).toBe(6 + oddKeys.length);
    // None fell on another's: each has a result of its own.
    expect(counts.results).toBe(counts.uploads - 3);
  });

  it('restores a newer version over the older one, and leaves its results where an upload is deleted', async () => {
    await uploads.put(`${prefix}tiny.png`, await sample('pagoda.jpg'));
    const { breaches } = await untilSettled(pipeline, uploads.originals);
    expect(breaches).toEqual([]);
    expect(await recordOf('tiny.png')).toMatchObject({ image: { format: 'jpeg' } });
  });

  it('closes with failed records what a terminated job left open', async () => {
    const { width, height, channels, pixels } = photoLike(1600, 1200, { seed: 4 });
    const large = await sharp(pixels, { raw: { width, height, channels } }).jpeg({ quality: 30 }).toBuffer();
    for (const name of ['one', 'two', 'three']) await uploads.put(`${prefix}terminated/${name}.jpg`, large);
    const known = new Set(pipeline.jobs.all());
    const running = await until(() => pipeline.jobs.all().find((job) => !known.has(job) && job.status === 'RUNNING'));
    pipeline.jobs.terminate(running.jobId, 'Terminated by the test');
    const { breaches } = await untilSettled(pipeline, uploads.originals);
    expect(breaches).toEqual([]);
    expect(running.status).toBe('FAILED');
    const records = await Promise.all(['one', 'two', 'three'].map((name) => recordOf(`terminated/${name}.jpg`)));
    const failed = records.filter(({ status }) => status === 'failed');
    expect(failed.length).toBeGreaterThan(0);
    expect(failed[0]).toMatchObject({ error: { message: expect.stringContaining('Terminated by the test') } });
  });

  it('is asked and repaired by the iqpir aws commands', async () => {
    const asked = await command('status', `${prefix}damaged.jpg`);
    expect(asked).toMatchObject({ code: 0 });
    expect(asked.stdout).toContain(`${prefix}damaged.jpg: restored`);
    const lost = await withoutEvents(pipeline, async () => uploads.put(`${prefix}unheard.png`, tiny));
    expect((await command('backfill', '--dry-run')).stdout).toMatch(/\b1\b/);
    const repaired = await command('backfill');
    expect(repaired.code, repaired.stderr).toBe(0);
    const { breaches } = await untilSettled(pipeline, uploads.originals);
    expect(breaches).toEqual([]);
    expect(await recordOf('unheard.png')).toMatchObject({ source: { version: lost.version } });
  });

  it('puts a message that is no event aside, and nothing else with it', async () => {
    const { sqs, outputs } = pipeline;
    // Eight tries of six minutes each are more than a test has: two of two seconds show the same.
    const redrive = { deadLetterTargetArn: arnOf(outputs.PoisonQueue), maxReceiveCount: 2 };
    const Attributes = { VisibilityTimeout: '2', RedrivePolicy: JSON.stringify(redrive) };
    await sqs.send(new SetQueueAttributesCommand({ QueueUrl: outputs.Queue, Attributes }));
    await sqs.send(new SendMessageCommand({ QueueUrl: outputs.Queue, MessageBody: '{"poison":true}' }));
    await uploads.put(`${prefix}beside-poison.png`, tiny);
    const { breaches } = await untilSettled(pipeline, uploads.originals);
    expect(breaches).toEqual([]);
    await untilQuiet(pipeline);
    expect(await drain(sqs, outputs.PoisonQueue, 10)).toEqual(['{"poison":true}']);
  });
});

/** As where an event is lost on its way. */
async function withoutEvents<T>({ events }: Pipeline, action: () => Promise<T>): Promise<T> {
  const Name = await ruleOfUploads(events);
  await events.send(new DisableRuleCommand({ Name }));
  const done = await action();
  // The event is raised after the answer.
  await new Promise((resolve) => setTimeout(resolve, 2000));
  await events.send(new EnableRuleCommand({ Name }));
  return done;
}

function arnOf(queueUrl = ''): string {
  const [account, name] = new URL(queueUrl).pathname.split('/').slice(1);
  return `arn:aws:sqs:us-east-1:${account}:${name}`;
}

async function until<T>(found: () => T | undefined): Promise<T> {
  for (;;) {
    const value = found();
    if (value !== undefined) return value;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
