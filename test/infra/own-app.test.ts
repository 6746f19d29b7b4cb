import { App, Duration, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { Vpc } from 'aws-cdk-lib/aws-ec2';
import { EventBus } from 'aws-cdk-lib/aws-events';
import { Bucket } from 'aws-cdk-lib/aws-s3';
import { describe, expect, test } from 'vitest';
import {
  existingImage,
  RestorationBuckets,
  RestorationPipeline,
  type RestorationPipelineProps,
} from '../../infra/index.ts';
import { firstOf, imageUri, resourceNamed, resourcesOf } from '../support/app-templates.ts';

describe('in an app of the user’s, with a bucket and a network of the user’s', () => {
  const template = pipelineIn((stack) => ({
    uploads: new Bucket(stack, 'Photos', { versioned: true }),
    vpc: new Vpc(stack, 'Network', { natGateways: 1 }),
    eventBus: new EventBus(stack, 'Bus'),
  }));

  test('no network of ours is made', () => {
    template.resourceCountIs('AWS::EC2::VPC', 1);
    template.resourceCountIs('AWS::EC2::VPCEndpoint', 0);
  });

  test('jobs run in the private subnets', () => {
    const environment = firstOf(template, 'AWS::Batch::ComputeEnvironment');
    const { Subnets } = environment.Properties.ComputeResources as { Subnets: { Ref: string }[] };
    expect(Subnets.every(({ Ref }) => /^NetworkPrivateSubnet/.test(Ref))).toBe(true);
  });

  test('the bucket is made to send its events, without a function of the CDK', () => {
    const photos = resourceNamed(template, 'AWS::S3::Bucket', /^Photos/);
    expect(photos.Properties.NotificationConfiguration).toEqual({
      EventBridgeConfiguration: { EventBridgeEnabled: true },
    });
    template.resourceCountIs('Custom::S3BucketNotifications', 0);
  });

  test('the rule takes what is put into that bucket', () => {
    const photos = resourceNamed(template, 'AWS::S3::Bucket', /^Photos/).id;
    const { EventPattern } = resourceNamed(template, 'AWS::Events::Rule', /IngestRule/).Properties;
    expect(EventPattern).toMatchObject({ detail: { bucket: { name: [{ Ref: photos }] } } });
  });

  test('job and settle tell the bus', () => {
    const bus = resourceNamed(template, 'AWS::Events::EventBus', /./).id;
    const policies = Object.values(resourcesOf(template, 'AWS::IAM::Policy')).filter(({ Properties }) =>
      JSON.stringify(Properties).includes('events:PutEvents'),
    );
    expect(policies).toHaveLength(2);
    expect(policies.every(({ Properties }) => JSON.stringify(Properties).includes(bus))).toBe(true);
  });
});

test('two pipelines live in one stack', () => {
  const stack = new Stack(makeOwnApp(), 'Mine');
  for (const device of ['cpu', 'cuda'] as const) {
    const { uploads, results } = new RestorationBuckets(stack, `Buckets-${device}`);
    const image = existingImage(stack, `Image-${device}`, imageUri);
    new RestorationPipeline(stack, `Pipeline-${device}`, { uploads, results, image, device });
  }
  const template = Template.fromStack(stack);
  const names = Object.values(resourcesOf(template, 'AWS::Batch::JobDefinition')).map(
    ({ Properties }) => Properties.JobDefinitionName,
  );
  expect(new Set(names).size).toBe(2);
  const workGroups = Object.values(resourcesOf(template, 'AWS::Athena::WorkGroup')).map(
    ({ Properties }) => Properties.Name,
  );
  expect(new Set(workGroups).size).toBe(2);
});

test('a bucket of elsewhere, whose events nobody here can switch on, draws a warning that says how', () => {
  const app = makeOwnApp();
  const stack = new Stack(app, 'Mine');
  addPipeline(stack, { uploads: Bucket.fromBucketName(stack, 'Given', 'photos-of-mine') });
  const warnings = app
    .synth()
    .getStackByName('Mine')
    .messages.map(({ entry }) => String(entry.data));
  expect(warnings).toContainEqual(expect.stringMatching(/photos-of-mine.*put-bucket-notification-configuration/s));
});

describe('props that cannot be right are errors at synthesis', () => {
  test.each<[string, Partial<RestorationPipelineProps>, RegExp]>([
    ['a timeout that Batch refuses', { jobTimeout: Duration.seconds(10) }, /minute at least but received 10 s/],
    ['a prefix without its slash', { uploadsPrefix: 'photos' }, /uploadsPrefix.*slash.*"photos"/],
    ['no room for a single job', { maxVcpus: 2 }, /maxVcpus.*4.*2/],
    ['settings out of range', { settings: { score: 7 } }, /score/],
  ])('%s', (_name, props, message) => {
    const stack = new Stack(makeOwnApp(), 'Mine');
    expect(() => addPipeline(stack, { uploads: new Bucket(stack, 'Photos'), ...props })).toThrow(message);
  });

  test('one bucket for uploads and results', () => {
    const stack = new Stack(makeOwnApp(), 'Mine');
    const bucket = new Bucket(stack, 'Both');
    expect(() => addPipeline(stack, { uploads: bucket, results: bucket })).toThrow(/another bucket/);
  });
});

function makeOwnApp(): App {
  return new App({ context: { 'aws:cdk:bundling-stacks': [] } });
}

type Given = Partial<RestorationPipelineProps> & Pick<RestorationPipelineProps, 'uploads'>;

function addPipeline(stack: Stack, props: Given): void {
  const results = props.results ?? new Bucket(stack, 'Results');
  new RestorationPipeline(stack, 'Restoration', { image: existingImage(stack, 'Image', imageUri), ...props, results });
}

function pipelineIn(make: (stack: Stack) => Given): Template {
  const stack = new Stack(makeOwnApp(), 'Mine');
  addPipeline(stack, make(stack));
  return Template.fromStack(stack);
}
