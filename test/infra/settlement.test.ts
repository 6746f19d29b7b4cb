import { describe, expect, test } from 'vitest';
import { resourceNamed, templatesOf } from '../support/app-templates.ts';

const { pipeline } = templatesOf({ eventBus: 'restorations' });
const failed = resourceNamed(pipeline, 'AWS::Events::Rule', /FailedRule/).Properties;
const sweep = resourceNamed(pipeline, 'AWS::Events::Rule', /SweepRule/).Properties;
const undelivered = { 'Fn::GetAtt': [resourceNamed(pipeline, 'AWS::SQS::Queue', /SettlementUndelivered/).id, 'Arn'] };
const settle = resourceNamed(pipeline, 'AWS::Lambda::Function', /Settle/);

test('jobs of this queue that failed for good are settled, and no others', () => {
  const queue = resourceNamed(pipeline, 'AWS::Batch::JobQueue', /./).id;
  expect(failed.EventPattern).toEqual({
    source: ['aws.batch'],
    'detail-type': ['Batch Job State Change'],
    detail: { status: ['FAILED'], jobQueue: [{ 'Fn::GetAtt': [queue, 'JobQueueArn'] }] },
  });
});

test('a sweep runs once a day', () => {
  expect(sweep).toMatchObject({ ScheduleExpression: 'rate(1 day)', Targets: [{ Input: '{"sweep":true}' }] });
});

describe.each([
  ['a failed job', failed],
  ['a sweep', sweep],
])('the event of %s', (_name, rule) => {
  test('goes to settle, for a day, and then to a dead letter queue', () => {
    expect(rule.Targets).toEqual([
      expect.objectContaining({
        Arn: { 'Fn::GetAtt': [settle.id, 'Arn'] },
        DeadLetterConfig: { Arn: undelivered },
        RetryPolicy: { MaximumEventAgeInSeconds: 86_400, MaximumRetryAttempts: 185 },
      }),
    ]);
  });
});

test('what settle failed at three times goes to the same dead letter queue', () => {
  expect(resourceNamed(pipeline, 'AWS::Lambda::EventInvokeConfig', /Settle/).Properties).toMatchObject({
    MaximumRetryAttempts: 2,
    DestinationConfig: { OnFailure: { Destination: undelivered } },
  });
});

test('settle has the time that a sweep takes, and knows the bus', () => {
  expect(settle.Properties).toMatchObject({
    Timeout: 900,
    Environment: { Variables: { IQPIR_EVENT_BUS: 'restorations' } },
  });
});
