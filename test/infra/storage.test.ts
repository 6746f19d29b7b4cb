import { describe, expect, test } from 'vitest';
import { type Resource, resourceNamed, resourcesOf, templatesOf } from '../support/app-templates.ts';

const { storage } = templatesOf();
const buckets = Object.entries(resourcesOf(storage, 'AWS::S3::Bucket'));

describe.each(buckets)('%s', (id, bucket) => {
  test('outlives its stack', () => {
    expect(bucket).toMatchObject({ DeletionPolicy: 'Retain', UpdateReplacePolicy: 'Retain' });
  });

  test('is private', () => {
    expect(bucket.Properties).toMatchObject({
      PublicAccessBlockConfiguration: {
        BlockPublicAcls: true,
        BlockPublicPolicy: true,
        IgnorePublicAcls: true,
        RestrictPublicBuckets: true,
      },
      OwnershipControls: { Rules: [{ ObjectOwnership: 'BucketOwnerEnforced' }] },
    });
  });

  test('is encrypted', () => {
    const rule = { ServerSideEncryptionByDefault: { SSEAlgorithm: 'AES256' } };
    expect(bucket.Properties.BucketEncryption).toEqual({ ServerSideEncryptionConfiguration: [rule] });
  });

  test('is spoken to over TLS alone', () => {
    const policies = Object.values(resourcesOf(storage, 'AWS::S3::BucketPolicy'));
    const policy = policies.find(({ Properties }) => (Properties.Bucket as { Ref: string }).Ref === id);
    expect(policy?.Properties.PolicyDocument).toMatchObject({
      Statement: expect.arrayContaining([
        expect.objectContaining({ Effect: 'Deny', Condition: { Bool: { 'aws:SecureTransport': 'false' } } }),
      ]),
    });
  });
});

describe.each(['Uploads', 'Results'])('the bucket of %s', (name) => {
  const bucket = resourceNamed(storage, 'AWS::S3::Bucket', new RegExp(`^Buckets${name}`));

  test('keeps versions, the replaced ones for 30 days, and no unfinished uploads', () => {
    expect(bucket.Properties.VersioningConfiguration).toEqual({ Status: 'Enabled' });
    expect(rulesOf(bucket)).toContainEqual({
      AbortIncompleteMultipartUpload: { DaysAfterInitiation: 7 },
      NoncurrentVersionExpiration: { NoncurrentDays: 30 },
      Status: 'Enabled',
    });
  });

  test('sends its events to EventBridge by itself', () => {
    expect(bucket.Properties.NotificationConfiguration).toEqual({
      EventBridgeConfiguration: { EventBridgeEnabled: true },
    });
  });

  test('logs who asked for what', () => {
    expect(bucket.Properties.LoggingConfiguration).toMatchObject({ LogFilePrefix: `${name.toLowerCase()}/` });
  });
});

test('no custom resource, and with it no function of the CDK, comes along', () => {
  const types = Object.values(storage.toJSON().Resources as Record<string, Resource>).map(({ Type }) => Type);
  expect(new Set(types)).toEqual(new Set(['AWS::S3::Bucket', 'AWS::S3::BucketPolicy']));
});

test('uploads, results and records never expire unasked; manifests and query results do', () => {
  expect(expiring('Uploads')).toEqual([]);
  expect(expiring('Results')).toEqual(['manifests/ 90', 'queries/ 30']);
});

test('asked for, uploads and results with their records expire', () => {
  const { storage: asked } = templatesOf({ uploadsRetentionDays: '365', resultsRetentionDays: '30' });
  expect(expiring('Uploads', asked)).toEqual([' 365']);
  expect(expiring('Results', asked)).toEqual(expect.arrayContaining(['results/ 30', 'records/ 30']));
});

test('brought buckets are taken, and none is made beside them', () => {
  const { storage: brought, pipeline } = templatesOf({
    uploadsBucketName: 'my-uploads',
    resultsBucketName: 'my-results',
  });
  brought.resourceCountIs('AWS::S3::Bucket', 0);
  const pattern = resourceNamed(pipeline, 'AWS::Events::Rule', /IngestRule/).Properties.EventPattern;
  expect(pattern).toMatchObject({ detail: { bucket: { name: ['my-uploads'] } } });
});

interface Rule {
  Prefix?: string;
  ExpirationInDays?: number;
}

function rulesOf(bucket: Resource): Rule[] {
  return (bucket.Properties.LifecycleConfiguration as { Rules: Rule[] }).Rules;
}

function expiring(name: string, template = storage): string[] {
  const bucket = resourceNamed(template, 'AWS::S3::Bucket', new RegExp(`^Buckets${name}`));
  return rulesOf(bucket)
    .filter(({ ExpirationInDays }) => ExpirationInDays)
    .map(({ Prefix = '', ExpirationInDays }) => `${Prefix} ${ExpirationInDays}`);
}
