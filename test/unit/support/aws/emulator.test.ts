import { setTimeout as pause } from 'node:timers/promises';
import { EventBridgeClient, PutEventsCommand, PutRuleCommand, PutTargetsCommand } from '@aws-sdk/client-eventbridge';
import {
  CreateBucketCommand,
  PutBucketNotificationConfigurationCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { CreateQueueCommand, ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ObjectEvent } from '../../../../functions/lib/contracts/object-event.ts';
import { type Emulator, startEmulator } from '../../../support/aws/emulator.ts';

const installed = process.env.IQPIR_MINISTACK !== undefined;
if (!installed) console.warn('SKIPPED: the emulator of AWS. CONTRIBUTING.md says how to install MiniStack.');

describe.skipIf(!installed)('MiniStack, its gaps filled', () => {
  let emulator: Emulator;
  let sqs: SQSClient;
  let bus: EventBridgeClient;
  let queue: string;

  beforeAll(async () => {
    emulator = await startEmulator({ batchEndpoint: 'http://127.0.0.1:9' });
    sqs = new SQSClient(emulator.options);
    bus = new EventBridgeClient(emulator.options);
    const { QueueUrl = '' } = await sqs.send(new CreateQueueCommand({ QueueName: 'events' }));
    queue = QueueUrl;
    const pattern = JSON.stringify({ source: ['aws.s3', 'aws.batch'] });
    await bus.send(new PutRuleCommand({ Name: 'all', EventPattern: pattern }));
    const Arn = `arn:aws:sqs:${emulator.options.region}:000000000000:events`;
    await bus.send(new PutTargetsCommand({ Rule: 'all', Targets: [{ Id: 'queue', Arn }] }));
  });
  afterAll(() => emulator?.stop());

  async function nextEvent(): Promise<unknown> {
    for (let attempt = 0; attempt < 50; attempt++) {
      const { Messages = [] } = await sqs.send(new ReceiveMessageCommand({ QueueUrl: queue, WaitTimeSeconds: 1 }));
      if (Messages[0]) return JSON.parse(Messages[0].Body ?? '');
      await pause(100);
    }
    throw new Error('Expected an event, none came');
  }

  it('says the version of an object that was created, its key as it is', async () => {
    const s3 = new S3Client(emulator.options);
    const Bucket = 'uploads';
    await s3.send(new CreateBucketCommand({ Bucket }));
    await s3.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status: 'Enabled' } }));
    const NotificationConfiguration = { EventBridgeConfiguration: {} };
    await s3.send(new PutBucketNotificationConfigurationCommand({ Bucket, NotificationConfiguration }));
    const Key = '%2B%20%%% a+b.png';
    const { VersionId } = await s3.send(new PutObjectCommand({ Bucket, Key, Body: 'bytes' }));
    expect(VersionId).toBeDefined();
    const event = ObjectEvent.parse(await nextEvent());
    expect(event.detail).toMatchObject({
      bucket: { name: Bucket },
      object: { key: Key, 'version-id': VersionId, size: 5 },
    });
  });

  it('takes the events of Batch from the Batch beside it', async () => {
    const entry = { Source: 'aws.batch', DetailType: 'Batch Job State Change', Detail: '{"status":"FAILED"}' };
    expect(await bus.send(new PutEventsCommand({ Entries: [entry] }))).toMatchObject({ FailedEntryCount: 0 });
    expect(await nextEvent()).toMatchObject({ source: 'aws.batch', detail: { status: 'FAILED' } });
    const other = { ...entry, Source: 'aws.ec2' };
    expect(await bus.send(new PutEventsCommand({ Entries: [other] }))).toMatchObject({ FailedEntryCount: 1 });
  });
});
