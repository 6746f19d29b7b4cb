import type { Template } from 'aws-cdk-lib/assertions';
import { describe, expect, test } from 'vitest';
import { resourceNamed, resourcesOf, templatesOf } from '../support/app-templates.ts';

const prefixed = templatesOf({ prefix: 'photos/', eventBus: 'restorations', userModels: 'true' }).pipeline;
const plain = templatesOf().pipeline;

test('the job reads uploads below the prefix, and writes results, records and rows', () => {
  expect(allowed(prefixed, /JobRole/)).toEqual([
    'events:PutEvents: bus restorations',
    's3:AbortMultipartUpload: Results/records/*, Results/results/*, Results/rows/*',
    's3:DeleteObject: Results/results/*',
    's3:DeleteObjectVersion: Results/results/*',
    's3:GetObject: Results/manifests/*, Results/models/*, Results/records/*, Results/results/*, Uploads/photos/*',
    's3:GetObjectVersion: Results/manifests/*, Results/models/*, Results/records/*, Results/results/*, Uploads/photos/*',
    's3:ListBucket: Results, Uploads',
    's3:PutObject: Results/records/*, Results/results/*, Results/rows/*',
    's3:PutObjectTagging: Results/records/*, Results/results/*, Results/rows/*',
  ]);
});

test('without models and bus of the user’s it reaches neither', () => {
  const statements = allowed(plain, /JobRole/).join('\n');
  expect(statements).not.toMatch(/models|events/);
});

test('dispatch writes manifests and submits jobs, and reads no picture', () => {
  expect(allowed(prefixed, /IngestDispatchRole/)).toEqual([
    'batch:SubmitJob: any revision, job queue',
    'logs:CreateLogStream: DispatchLog',
    'logs:PutLogEvents: DispatchLog',
    's3:AbortMultipartUpload: Results/manifests/*',
    's3:PutObject: Results/manifests/*',
    's3:PutObjectTagging: Results/manifests/*',
    'sqs:ChangeMessageVisibility: IngestQueue',
    'sqs:DeleteMessage: IngestQueue',
    'sqs:GetQueueAttributes: IngestQueue',
    'sqs:GetQueueUrl: IngestQueue',
    'sqs:ReceiveMessage: IngestQueue',
  ]);
});

test('settle reads what was made, writes failed records, takes back orphans, and never touches uploads', () => {
  expect(allowed(prefixed, /SettlementSettleRole/)).toEqual([
    'batch:SubmitJob: any revision, job queue',
    'events:PutEvents: bus restorations',
    'logs:CreateLogStream: SettleLog',
    'logs:PutLogEvents: SettleLog',
    's3:AbortMultipartUpload: Results/manifests/*, Results/records/*, Results/rows/*',
    's3:DeleteObject: Results/results/*',
    's3:DeleteObjectVersion: Results/results/*',
    's3:GetObject: Results/manifests/*, Results/records/*, Results/results/*',
    's3:GetObjectVersion: Results/manifests/*, Results/records/*, Results/results/*',
    's3:ListBucket: Results',
    's3:PutObject: Results/manifests/*, Results/records/*, Results/rows/*',
    's3:PutObjectTagging: Results/manifests/*, Results/records/*, Results/rows/*',
    'sqs:GetQueueAttributes: SettlementUndelivered',
    'sqs:GetQueueUrl: SettlementUndelivered',
    'sqs:SendMessage: SettlementUndelivered',
  ]);
});

describe.each([
  ['GPU', plain],
  ['Fargate', templatesOf({ device: 'cpu' }).pipeline],
])('on %s', (_name, template) => {
  test('no role may do anything by wildcard', () => {
    const actions = statementsOf(template, /./).flatMap(({ Action }) => [Action].flat());
    expect(actions.filter((action) => action.includes('*'))).toEqual([]);
  });

  test('one statement alone is about everything: the token to pull images, which knows no resource', () => {
    const everything = statementsOf(template, /./).filter(({ Resource }) => [Resource].flat().includes('*'));
    expect(everything.map(({ Action }) => Action)).toEqual(['ecr:GetAuthorizationToken']);
  });

  test('the instances’ own role is the only one with a policy of AWS’s', () => {
    const managed = Object.entries(resourcesOf(template, 'AWS::IAM::Role')).filter(
      ([, { Properties }]) => Properties.ManagedPolicyArns !== undefined,
    );
    expect(managed.map(([id]) => id).every((id) => /InstanceRole/.test(id))).toBe(true);
    expect(managed.length).toBe(template === plain ? 1 : 0);
  });
});

test('an image brought by digest may be pulled, from its repository alone', () => {
  const pulls = statementsOf(plain, /ExecutionRole/).filter(({ Action }) =>
    [Action].flat().includes('ecr:BatchGetImage'),
  );
  expect(pulls.map(({ Resource }) => JSON.stringify(Resource))).toEqual([
    expect.stringMatching(/ecr:eu-central-1:123456789012:repository\/iqpir"/),
  ]);
});

interface Statement {
  Effect: string;
  Action: string | string[];
  Resource: unknown;
}

function statementsOf(template: Template, role: RegExp): Statement[] {
  return Object.values(resourcesOf(template, 'AWS::IAM::Policy'))
    .filter(({ Properties }) => (Properties.Roles as { Ref: string }[]).some(({ Ref }) => role.test(Ref)))
    .flatMap(({ Properties }) => (Properties.PolicyDocument as { Statement: Statement[] }).Statement);
}

/** What a role may do, a line for each action, resources by names of ours, sorted. */
function allowed(template: Template, role: RegExp): string[] {
  resourceNamed(template, 'AWS::IAM::Role', role);
  const resources = new Map<string, Set<string>>();
  for (const { Effect, Action, Resource } of statementsOf(template, role)) {
    expect(Effect).toBe('Allow');
    for (const action of [Action].flat()) {
      const known = resources.get(action) ?? new Set();
      for (const resource of [Resource].flat()) known.add(nameOf(resource));
      resources.set(action, known);
    }
  }
  return [...resources].map(([action, names]) => `${action}: ${[...names].sort().join(', ')}`).sort();
}

function nameOf(resource: unknown): string {
  const text = JSON.stringify(resource);
  const below = /"(\/[^"]*\*)"/.exec(text)?.[1] ?? '';
  const bucket = /Buckets(Uploads|Results)/.exec(text)?.[1];
  if (bucket) return bucket + below;
  const known = /(IngestQueue|SettlementUndelivered|DispatchLog|SettleLog)/.exec(text)?.[1];
  if (known) return known;
  if (text.includes('JobQueue')) return 'job queue';
  if (/:job-definition\/[A-Za-z0-9]+:\*/.test(text)) return 'any revision';
  const bus = /event-bus\/([a-z]+)"/.exec(text)?.[1];
  return bus ? `bus ${bus}` : text;
}
