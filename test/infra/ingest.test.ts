import { describe, expect, test } from 'vitest';
import { resourceNamed, resourcesOf, templatesOf } from '../support/app-templates.ts';

const { pipeline } = templatesOf();
const rule = resourceNamed(pipeline, 'AWS::Events::Rule', /IngestRule/).Properties;
const queue = resourceNamed(pipeline, 'AWS::SQS::Queue', /IngestQueue/);
const dispatch = resourceNamed(pipeline, 'AWS::Lambda::Function', /Dispatch/);
const mapping = resourceNamed(pipeline, 'AWS::Lambda::EventSourceMapping', /./).Properties;

describe('the rule', () => {
  test('takes every object created in the uploads bucket, whatever its name and size', () => {
    expect(rule.EventPattern).toEqual({
      source: ['aws.s3'],
      'detail-type': ['Object Created'],
      detail: {
        bucket: { name: [expect.objectContaining({ 'Fn::ImportValue': expect.stringContaining('Uploads') })] },
      },
    });
  });

  test('takes only what lies below the prefix, where there is one', () => {
    const prefixed = templatesOf({ prefix: 'photos/' }).pipeline;
    const { EventPattern } = resourceNamed(prefixed, 'AWS::Events::Rule', /IngestRule/).Properties;
    expect(EventPattern).toMatchObject({ detail: { object: { key: [{ prefix: 'photos/' }] } } });
  });

  test('tries for a day, and then keeps the event in a dead letter queue of its own', () => {
    const undelivered = resourceNamed(pipeline, 'AWS::SQS::Queue', /IngestUndelivered/).id;
    expect(rule.Targets).toEqual([
      expect.objectContaining({
        DeadLetterConfig: { Arn: { 'Fn::GetAtt': [undelivered, 'Arn'] } },
        RetryPolicy: { MaximumEventAgeInSeconds: 86_400, MaximumRetryAttempts: 185 },
      }),
    ]);
  });
});

describe('the queue', () => {
  test('hides a batch for six times the function’s timeout and the batching window', () => {
    const needed = 6 * Number(dispatch.Properties.Timeout) + Number(mapping.MaximumBatchingWindowInSeconds);
    expect(Number(queue.Properties.VisibilityTimeout)).toBeGreaterThanOrEqual(needed);
  });

  test('puts a message that failed 8 times into a dead letter queue', () => {
    const poison = resourceNamed(pipeline, 'AWS::SQS::Queue', /IngestPoison/).id;
    const expected = { deadLetterTargetArn: { 'Fn::GetAtt': [poison, 'Arn'] }, maxReceiveCount: 8 };
    expect(queue.Properties.RedrivePolicy).toEqual(expected);
  });
});

describe.each(Object.entries(resourcesOf(pipeline, 'AWS::SQS::Queue')))('%s', (id, { Properties }) => {
  test('is encrypted, and keeps what it holds for two weeks', () => {
    expect(Properties).toMatchObject({ SqsManagedSseEnabled: true, MessageRetentionPeriod: 1_209_600 });
  });

  test('is spoken to over TLS alone', () => {
    const policies = Object.values(resourcesOf(pipeline, 'AWS::SQS::QueuePolicy'));
    const policy = policies.find((each) => JSON.stringify(each.Properties.Queues).includes(`"${id}"`));
    expect(policy?.Properties.PolicyDocument).toMatchObject({
      Statement: expect.arrayContaining([
        expect.objectContaining({ Effect: 'Deny', Condition: { Bool: { 'aws:SecureTransport': 'false' } } }),
      ]),
    });
  });
});

describe('the function', () => {
  test('takes whole batches, hands back single messages, and never runs more than five times at once', () => {
    expect(mapping).toMatchObject({
      BatchSize: 1000,
      MaximumBatchingWindowInSeconds: 20,
      FunctionResponseTypes: ['ReportBatchItemFailures'],
      ScalingConfig: { MaximumConcurrency: 5 },
    });
  });

  test('runs on Node 22', () => {
    expect(dispatch.Properties.Runtime).toBe('nodejs22.x');
  });

  test('submits the job definition by its revision', () => {
    const definition = resourceNamed(pipeline, 'AWS::Batch::JobDefinition', /./).id;
    const { Variables } = dispatch.Properties.Environment as { Variables: Record<string, unknown> };
    expect(Variables.IQPIR_JOB_DEFINITION).toEqual({ Ref: definition });
  });

  test('is told the settings of the context', () => {
    const asked = templatesOf({ settings: { score: 0.9, format: 'webp' } }).pipeline;
    const { Properties } = resourceNamed(asked, 'AWS::Lambda::Function', /Dispatch/);
    const { Variables } = Properties.Environment as { Variables: { IQPIR_SETTINGS: string } };
    expect(JSON.parse(Variables.IQPIR_SETTINGS)).toMatchObject({ score: 0.9, format: 'webp' });
  });
});
