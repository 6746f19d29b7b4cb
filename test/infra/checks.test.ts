import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type App, Validations } from 'aws-cdk-lib';
import { PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { IConstruct } from 'constructs';
import { describe, expect, test } from 'vitest';
import { addStacks } from '../../infra/add-stacks.ts';
import { makeApp } from '../support/app-templates.ts';
import { root } from '../support/cli.ts';

describe('cdk-nag’s AwsSolutions rules find nothing that is not acknowledged', { timeout: 300_000 }, () => {
  test.each([
    {},
    { device: 'cpu', network: 'public', prefix: 'photos/' },
    { device: 'webgpu', network: 'nat', eventBus: 'restorations', userModels: 'true' },
    {
      uploadsBucketName: 'my-uploads',
      resultsBucketName: 'my-results',
      monthlyBudget: '9',
      alarmEmail: 'a@example.org',
    },
  ])('%j', (context) => {
    const app = makeApp(context);
    addStacks(app);
    expect(findings(app)).toEqual([]);
  });
});

test('what nobody acknowledged is found', () => {
  const app = makeApp();
  const { pipeline } = addStacks(app);
  const role = new Role(pipeline, 'Stranger', { assumedBy: new ServicePrincipal('lambda.amazonaws.com') });
  role.addToPolicy(new PolicyStatement({ actions: ['s3:*'], resources: ['arn:aws:s3:::other/results/*'] }));
  expect(findings(app)).toEqual([
    'AwsSolutions-IAM5[Action::s3:*]',
    'AwsSolutions-IAM5[Resource::arn:aws:s3:::other/results/*]',
  ]);
});

test('every acknowledgement gives a reason that is a sentence', () => {
  const app = makeApp();
  addStacks(app);
  const reasons = app.node.findAll().flatMap(acknowledgedAt);
  expect(reasons.length).toBeGreaterThan(5);
  for (const [id, reason] of reasons) expect(reason, id).toMatch(/^[A-Z].{30,}\.$/);
});

test('none of the stacks takes a name of ours where a second deployment would trip over it', () => {
  const sources = readdirSync(join(root, 'infra', 'constructs')).map((file) =>
    readFileSync(join(root, 'infra', 'constructs', file), 'utf8'),
  );
  const fixed =
    /\b(bucketName|queueName|functionName|roleName|computeEnvironmentName|jobQueueName|ruleName|topicName): '/;
  expect(sources.filter((source) => fixed.test(source))).toEqual([]);
});

/** What `npx cdk synth` complains of. */
function findings(app: App): string[] {
  try {
    app.synth();
    return [];
  } catch (error) {
    return [...String(error).matchAll(/Acknowledge with 'AwsSolutions::(.+)'/g)].map(([, id = '']) => id).sort();
  }
}

function acknowledgedAt(construct: IConstruct): [string, string][] {
  return construct.node.metadata
    .filter(({ type }) => type === Validations.ACKNOWLEDGED_RULES_METADATA_KEY)
    .flatMap(({ data }) => Object.entries(data as Record<string, string>))
    .filter(([id]) => id.includes('AwsSolutions'));
}
