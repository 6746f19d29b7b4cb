import { SendMessageCommand } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { bucketLayout } from '../../../../functions/lib/contracts/keys.ts';
import type { StackOutputs } from '../../../../functions/lib/contracts/stack-outputs.ts';
import { readManifest } from '../../../../functions/lib/storage/read-manifest.ts';
import type { S3Store } from '../../../../functions/lib/storage/s3-store.ts';
import { runAws } from '../../../support/aws-commands.ts';
import {
  awsEnvironment,
  endpoint,
  newBucket,
  newQueue,
  newStack,
  warnWithoutEndpoint,
} from '../../../support/aws-endpoint.ts';
import { startBatchAnswers } from '../../../support/batch-answers.ts';
import { iqpir } from '../../../support/cli.ts';
import { deliveredRecord, failedRecord } from '../../../support/records.ts';
import { keysOf } from '../../../support/store-under-test.ts';

describe('iqpir aws', () => {
  it.each([[[]], [['backfill']], [['redrive']], [['status']], [['cost']]])(
    'teaches by example: %j',
    async (command) => {
      const { stdout } = await runAws(...command, '--help');
      expect(stdout).toMatch(/Examples:\n {2}\$ iqpir aws/);
    },
  );

  it('is a command of iqpir, and ends with 2 on wrong use', async () => {
    const { code, stderr } = await iqpir(['aws', 'cost', '--sample', 'none']);
    expect(stderr).toContain('--sample to be a number above 0');
    expect(code).toBe(2);
  });

  it.each([
    [['backfill', '--results', 'r'], '--bucket UPLOADS, or --stack NAME'],
    [['backfill', '--bucket', 'b', '--results', 'r'], '--queue ARN, or --stack NAME'],
    [['backfill', '--bucket', 'b', '--results', 'r', '--since', 'yesterday'], '--since as 2026-11-23'],
    [['backfill', '--bucket', 'b', '--results', 'r', '--rate', '0'], '--rate to be a number above 0'],
    [['backfill', '--bucket', 'b', '--results', 'r', '--settings', '{"score":2}'], '--settings as JSON'],
    [['redrive', '--to', 'http://queue'], '--from URL'],
    [['redrive', '--from', 'http://dead'], '--to URL'],
    [['status'], "missing required argument 'key'"],
    [['status', 'a.jpg', '--bucket', 'b', '--results', 'r', '--uploads-prefix', 'in/'], 'below in/'],
    [['cost'], '--results BUCKET'],
    [['cost', '--results', 'r', '--price', '1'], '--machine NAME beside --price'],
    [['cost', '--results', 'r', '--machine', 'abacus'], '--price USD an hour for abacus'],
  ])('refuses %j by saying what was expected', async (args, message) => {
    const { stderr, code } = await runAws(...args);
    expect(stderr).toContain(message);
    expect(code).toMatch(/^config$|^commander\.(invalid|missing)Argument$/);
  });
});

warnWithoutEndpoint('The aws commands', 'test/unit/local/aws/commands.test.ts');

describe.skipIf(!endpoint)('iqpir aws over S3 and SQS', () => {
  let uploads: S3Store;
  let results: S3Store;
  let batch: Awaited<ReturnType<typeof startBatchAnswers>>;
  let buckets: string[];

  /** A record of the current version, or of one that is gone. */
  async function record(key: string, make: typeof failedRecord | typeof deliveredRecord, version?: string) {
    const head = await uploads.head(key);
    const { etag, size = 0, lastModified } = head ?? {};
    const source = { bucket: uploads.bucket, key, version: version ?? head?.version, etag, size, lastModified };
    await results.put(`records/${key}.json`, Buffer.from(JSON.stringify(make({ source }))));
  }

  beforeAll(async () => {
    [uploads, results, batch] = await Promise.all([newBucket('uploads'), newBucket('results'), startBatchAnswers()]);
    for (const [name, value] of Object.entries(awsEnvironment)) vi.stubEnv(name, value);
    vi.stubEnv('AWS_ENDPOINT_URL_BATCH', batch.endpoint);
    buckets = ['--bucket', uploads.bucket, '--results', results.bucket];
    for (const key of ['a', 'a-1', 'b.jpg', 'c/+ ü%2B.jpg', 'c/d.jpg', 'failed.jpg']) {
      await uploads.put(key, Buffer.from('12345'));
    }
    await record('a', deliveredRecord);
    await record('b.jpg', deliveredRecord);
    await record('failed.jpg', failedRecord);
    // A newer version of what had its record.
    await uploads.put('b.jpg', Buffer.from('1234567'));
  });
  afterAll(async () => {
    vi.unstubAllEnvs();
    await batch?.stop();
  });

  it('backfill --dry-run counts and estimates, and writes nothing', async () => {
    const { code, stdout, stderr } = await runAws('backfill', ...buckets, '--dry-run', '--json');
    expect(code, stderr).toBe(0);
    const { summary } = JSON.parse(stdout);
    expect(summary).toMatchObject({ sent: 4, bytes: 22, jobs: 0, looked: { missing: 4, settled: 2 }, dryRun: true });
    // One record with timings was read: 5 bytes in 1.3 s of work, so 22 take 4.4 times as long.
    expect(summary.estimate).toMatchObject({ currency: 'USD', region: 'us-east-1' });
    expect(summary.estimate.high).toBeCloseTo((4.4 * 1.3 * 0.19748) / 3600, 9);
    expect(await keysOf(results, 'manifests/')).toEqual([]);
  });

  it('backfill puts a manifest over what has no record of its version, and submits its job', async () => {
    const batchOptions = ['--queue', 'arn:queue', '--job-definition', 'arn:definition:1'];
    const { code, stdout, stderr } = await runAws('backfill', ...buckets, ...batchOptions);
    expect(code, stderr).toBe(0);
    expect(stdout).toContain('Sent: 4 uploads');
    const [key = '', ...more] = await keysOf(results, bucketLayout.manifests);
    expect(more).toEqual([]);
    expect(batch.jobs).toMatchObject([
      {
        jobQueue: 'arn:queue',
        jobDefinition: 'arn:definition:1',
        parameters: { manifest: `s3://${results.bucket}/${key}` },
      },
    ]);
    const { shares } = await readManifest(results, key);
    const sent = shares.flat();
    expect(sent.map((upload) => upload.key).sort()).toEqual(['a-1', 'b.jpg', 'c/+ ü%2B.jpg', 'c/d.jpg']);
    for (const upload of sent) {
      expect(upload.version).toBe((await uploads.head(upload.key))?.version);
      expect(upload.sequencer).toBeUndefined();
    }
  });

  it.each([
    ['a', 0, 'restored'],
    ['failed.jpg', 1, 'corrupt-image, input'],
    ['never.jpg', 3, 'neither an upload nor a record'],
  ])('status of %s ends with %i', async (key, expected, says) => {
    const { code, stdout } = await runAws('status', key, ...buckets);
    expect(stdout).toContain(says);
    expect(code).toBe(expected);
  });

  it('status finds the manifest and the job of what waits', async () => {
    const { code, stdout } = await runAws('status', 'c/+ ü%2B.jpg', ...buckets, '--queue', 'arn:queue', '--json');
    expect(code).toBe(3);
    expect(JSON.parse(stdout)).toMatchObject({
      state: 'waiting',
      manifest: { share: 0, shares: 1, job: { id: 'job-0', status: 'RUNNABLE', reason: 'waits for a machine' } },
    });
  });

  it('cost says what was measured, at which prices, and what it leaves out', async () => {
    const { code, stdout, stderr } = await runAws('cost', '--results', results.bucket);
    expect(code, stderr).toBe(0);
    // 1.3 s of work, 1.1 s of it in the models, on 4 vCPUs of Fargate.
    expect(stdout).toMatch(/cpu.*fargate-4vcpu-8gb.*0\.19748.*\$0\.0603 to \$0\.0713/);
    expect(stdout).toMatch(/3 of 3 records read, 1 of them without timings/);
    expect(stdout).toMatch(/Prices: published, us-east-1, as of 2026-11-23/);
    expect(stdout).toMatch(/Not counted: starting machines/);
  });

  it("cost takes a machine's price from the user's own bill", async () => {
    const { stdout } = await runAws(
      'cost',
      '--results',
      results.bucket,
      '--machine',
      'mine',
      '--price',
      '3.6',
      '--json',
    );
    const [measured] = JSON.parse(stdout).measured;
    expect(measured).toMatchObject({ device: 'cpu', images: 2 });
    expect(measured.usdPer1000Images).toMatchObject([{ name: 'mine', low: 1.1, high: 1.3 }]);
  });

  it('redrive says what letters are about, and moves them only without --dry-run', async () => {
    const [dead, target] = await Promise.all([newQueue('dead'), newQueue('target')]);
    const object = { key: 'a.jpg', size: 1, sequencer: '01' };
    const event = { id: '1', source: 'aws.s3', 'detail-type': 'Object Created', time: '2026-11-23T10:00:00Z' };
    const MessageBody = JSON.stringify({ ...event, detail: { bucket: { name: uploads.bucket }, object } });
    await dead.client.send(new SendMessageCommand({ QueueUrl: dead.url, MessageBody }));
    const look = await runAws('redrive', '--from', dead.url, '--dry-run');
    expect(look.stdout).toMatch(/a\.jpg .*\n1 dead letters, all left where they are/);
    const moved = await runAws('redrive', '--from', dead.url, '--to', target.url);
    expect(moved.stdout).toContain('1 moved back, 0 deleted, 0 left');
    expect((await runAws('redrive', '--from', dead.url, '--dry-run')).stdout).toContain('No dead letters.');
    expect((await runAws('redrive', '--from', target.url, '--dry-run')).stdout).toContain('1 dead letters');
  });

  it('reads buckets and queues from the outputs of the stack', async () => {
    const { client: sqs, url } = await newQueue('of-the-stack');
    sqs.destroy();
    const outputs: Record<keyof StackOutputs, string> = {
      UploadsBucket: uploads.bucket,
      UploadsPrefix: '/',
      ResultsBucket: results.bucket,
      JobQueue: 'arn:queue',
      JobDefinition: 'arn:definition:1',
      Settings: '{"score":0.5}',
      UserModels: 'false',
      Queue: url,
      PoisonQueue: url,
      UndeliveredQueue: url,
      UndeliveredFailuresQueue: url,
    };
    const stack = await newStack('pipeline', outputs);
    const failed = await runAws('status', 'failed.jpg', '--stack', stack);
    expect(failed.stdout).toContain('corrupt-image');
    expect((await runAws('redrive', '--stack', stack)).stdout).toContain('No dead letters.');
    const sent = JSON.parse((await runAws('backfill', '--stack', stack, '--json')).stdout.split('\n')[0] ?? '');
    expect(await readManifest(results, sent.manifestKey)).toMatchObject({ settings: { score: 0.5 } });

    const other = await newStack('other', { UploadsBucket: uploads.bucket });
    const { stderr } = await runAws('status', 'a', '--stack', other);
    expect(stderr).toMatch(/lacks outputs \(UploadsPrefix, ResultsBucket/);
    expect((await runAws('status', 'a', '--stack', 'no-such-stack')).stderr).toContain('no-such-stack');
  });

  it('says what is wrong with a bucket that is not there', async () => {
    const absent = ['--bucket', 'no-such-bucket-here', '--results', results.bucket];
    const { code, stderr } = await runAws('backfill', ...absent, '--dry-run');
    expect(code).toBe('config');
    expect(stderr).toContain('no-such-bucket-here');
  });

  it('works as a process too, with the environment that every AWS tool takes', async () => {
    const { code, stdout } = await iqpir(['aws', 'status', 'failed.jpg', ...buckets, '--json'], {
      env: awsEnvironment,
    });
    expect(JSON.parse(stdout)).toMatchObject({ key: 'failed.jpg', state: 'failed' });
    expect(code).toBe(1);
  });
});
