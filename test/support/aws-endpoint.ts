import { randomBytes } from 'node:crypto';
import { CloudFormationClient, CreateStackCommand, waitUntilStackCreateComplete } from '@aws-sdk/client-cloudformation';
import { CreateBucketCommand, PutBucketVersioningCommand, S3Client } from '@aws-sdk/client-s3';
import { CreateQueueCommand, SQSClient } from '@aws-sdk/client-sqs';
import { S3Store } from '../../functions/lib/storage/s3-store.ts';

/** An emulator of S3 and SQS that `with-ministack.ts` started, or none. */
export const endpoint = process.env.IQPIR_TEST_S3_ENDPOINT;

/** Says aloud that tests are skipped, and how to run them. */
export function warnWithoutEndpoint(what: string, path: string): void {
  if (endpoint) return;
  console.warn(
    `${what}: NOT tested, there is no S3 and SQS here. Run\n  npx tsx test/support/with-ministack.ts npx vitest run ${path}\n` +
      'with MiniStack 1.5.33 (pip install ministack==1.5.33; IQPIR_MINISTACK names the program).',
  );
}

/** What makes the AWS SDK, here or in a process of its own, talk to the emulator. */
export const awsEnvironment = {
  AWS_ENDPOINT_URL: endpoint ?? 'http://127.0.0.1:9',
  AWS_REGION: 'us-east-1',
  AWS_ACCESS_KEY_ID: 'test',
  AWS_SECRET_ACCESS_KEY: 'test',
};

const options = {
  endpoint: awsEnvironment.AWS_ENDPOINT_URL,
  region: awsEnvironment.AWS_REGION,
  credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
};

/** A new bucket with a name of its own. */
export async function newBucket(name: string, { versioned = true } = {}): Promise<S3Store> {
  const client = new S3Client(options);
  const bucket = `${name}-${randomBytes(6).toString('hex')}`;
  await client.send(new CreateBucketCommand({ Bucket: bucket }));
  if (versioned) {
    const VersioningConfiguration = { Status: 'Enabled' } as const;
    await client.send(new PutBucketVersioningCommand({ Bucket: bucket, VersioningConfiguration }));
  }
  return new S3Store({ client, bucket });
}

/** A new queue with a name of its own. @returns its client and URL */
export async function newQueue(name: string): Promise<{ client: SQSClient; url: string }> {
  const client = new SQSClient(options);
  const { QueueUrl = '' } = await client.send(
    new CreateQueueCommand({ QueueName: `${name}-${randomBytes(6).toString('hex')}` }),
  );
  return { client, url: QueueUrl };
}

/** A new stack that has nothing but outputs, and the one resource that a stack must have. @returns its name */
export async function newStack(name: string, outputs: Record<string, string>): Promise<string> {
  const client = new CloudFormationClient(options);
  const StackName = `${name}-${randomBytes(6).toString('hex')}`;
  const Outputs = Object.fromEntries(Object.entries(outputs).map(([output, Value]) => [output, { Value }]));
  const Resources = { Queue: { Type: 'AWS::SQS::Queue' } };
  await client.send(new CreateStackCommand({ StackName, TemplateBody: JSON.stringify({ Resources, Outputs }) }));
  await waitUntilStackCreateComplete({ client, maxWaitTime: 60 }, { StackName });
  return StackName;
}
