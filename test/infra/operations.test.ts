import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { StackOutputs } from '../../functions/lib/contracts/stack-outputs.ts';
import { firstOf, resourceNamed, resourcesOf, templatesOf } from '../support/app-templates.ts';
import { root } from '../support/cli.ts';

const { storage, pipeline } = templatesOf({ prefix: 'photos/' });
const topic = resourceNamed(pipeline, 'AWS::SNS::Topic', /./).id;
const alarms = Object.entries(resourcesOf(pipeline, 'AWS::CloudWatch::Alarm'));

describe.each([
  ['PoisonMessages', 'IngestPoison', 0],
  ['UndeliveredEvents', 'IngestUndelivered', 0],
  ['UndeliveredFailures', 'SettlementUndelivered', 0],
  ['OldestMessage', 'IngestQueue', 900],
  ['FailedJobs', 'SettlementFailedRule', 0],
  ['QueueBlocked', 'OperationsQueueBlockedRule', 0],
  ['NoRecords', 'OperationsRecordsRule', 0],
])('the alarm %s', (name, watched, threshold) => {
  const { Properties } = resourceNamed(pipeline, 'AWS::CloudWatch::Alarm', new RegExp(`Operations${name}`));

  test('watches what it is named for, and tells the topic', () => {
    expect(JSON.stringify([Properties.Dimensions, Properties.Metrics])).toContain(watched);
    expect(Properties).toMatchObject({
      Threshold: threshold,
      ComparisonOperator: 'GreaterThanThreshold',
      TreatMissingData: 'notBreaching',
      AlarmActions: [{ Ref: topic }],
    });
  });

  test('has a section in the runbook', () => {
    expect(readFileSync(join(root, 'RUNBOOK.md'), 'utf8')).toMatch(new RegExp(`^## ${name}$`, 'm'));
    expect(Properties.AlarmDescription).toContain(`RUNBOOK.md, ${name}`);
  });
});

test('there are no other alarms', () => {
  expect(alarms).toHaveLength(7);
});

test('silence is uploads without a record, for the given hours', () => {
  const asked = templatesOf({ silentHours: '2' }).pipeline;
  const { Metrics } = resourceNamed(asked, 'AWS::CloudWatch::Alarm', /NoRecords/).Properties;
  const metrics = Metrics as { Id: string; Expression?: string; MetricStat?: { Period: number } }[];
  expect(metrics.find(({ Expression }) => Expression)?.Expression).toBe(
    'IF(FILL(uploads, 0) > 0 AND FILL(records, 0) < 1, 1, 0)',
  );
  expect(metrics.flatMap(({ MetricStat }) => MetricStat?.Period ?? [])).toEqual([7200, 7200]);
});

test('a queue that is blocked tells the topic itself what blocks it', () => {
  expect(resourceNamed(pipeline, 'AWS::Events::Rule', /QueueBlockedRule/).Properties).toMatchObject({
    EventPattern: { source: ['aws.batch'], 'detail-type': ['Batch Job Queue Blocked'] },
    Targets: [{ Arn: { Ref: topic } }],
  });
});

test('the topic takes nothing in clear text', () => {
  const policy = firstOf(pipeline, 'AWS::SNS::TopicPolicy');
  expect(JSON.stringify(policy.Properties.PolicyDocument)).toContain('"aws:SecureTransport":"false"');
});

test('a mail address subscribes to it where one is given', () => {
  pipeline.resourceCountIs('AWS::SNS::Subscription', 0);
  templatesOf({ alarmEmail: 'ops@example.org' }).pipeline.hasResourceProperties('AWS::SNS::Subscription', {
    Protocol: 'email',
    Endpoint: 'ops@example.org',
  });
});

test('a budget is there where one is asked for, and looks at the cost tag', () => {
  pipeline.resourceCountIs('AWS::Budgets::Budget', 0);
  const asked = templatesOf({ monthlyBudget: '50', alarmEmail: 'ops@example.org' }).pipeline;
  expect(resourceNamed(asked, 'AWS::Budgets::Budget', /./).Properties.Budget).toMatchObject({
    BudgetLimit: { Amount: 50, Unit: 'USD' },
    CostFilters: { TagKeyValue: ['user:project$iqpir-restore'] },
  });
});

test('every log forgets after the given days', () => {
  const logs = Object.values(resourcesOf(templatesOf({ logRetentionDays: '30' }).pipeline, 'AWS::Logs::LogGroup'));
  expect(logs.map(({ Properties }) => Properties.RetentionInDays)).toEqual([30, 30, 30]);
});

test('there is a dashboard', () => {
  pipeline.resourceCountIs('AWS::CloudWatch::Dashboard', 1);
});

test('what is billed carries the project and the stage', () => {
  const tags = [
    { Key: 'project', Value: 'iqpir-restore' },
    { Key: 'stage', Value: 'dev' },
  ];
  for (const type of ['AWS::S3::Bucket', 'AWS::SQS::Queue', 'AWS::Lambda::Function', 'AWS::EC2::VPC']) {
    const template = type === 'AWS::S3::Bucket' ? storage : pipeline;
    for (const { Properties } of Object.values(resourcesOf(template, type))) {
      expect(Properties.Tags).toEqual(expect.arrayContaining(tags));
    }
  }
  const environment = firstOf(pipeline, 'AWS::Batch::ComputeEnvironment');
  expect(environment.Properties.Tags).toEqual({ project: 'iqpir-restore', stage: 'dev' });
});

test('the outputs are those that the iqpir aws commands find their way by', () => {
  const { Outputs } = pipeline.toJSON() as { Outputs: Record<string, { Value: unknown }> };
  const known = Object.entries(Outputs).map(([name, { Value }]) => [
    name,
    typeof Value === 'string' ? Value : 'known later',
  ]);
  expect(StackOutputs.parse(Object.fromEntries(known))).toMatchObject({ UploadsPrefix: 'photos/' });
});
