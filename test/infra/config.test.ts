import { describe, expect, test } from 'vitest';
import { readConfig } from '../../infra/config.ts';

test('nothing at all is a configuration: CUDA, isolated, 16 vCPUs, every upload', () => {
  expect(readConfig({})).toMatchObject({ stage: 'dev', device: 'cuda', network: 'isolated', maxVcpus: 16, prefix: '' });
});

test('values from the command line are text, and become what they mean', () => {
  const config = readConfig({ maxVcpus: '64', userModels: 'true', settings: '{"score":0.8}', logRetentionDays: '30' });
  expect(config).toMatchObject({ maxVcpus: 64, userModels: true, settings: { score: 0.8 }, logRetentionDays: 30 });
});

test('keys of the CDK and of its lookups are left alone', () => {
  const keys = { '@aws-cdk/core:x': true, 'aws:cdk:bundling-stacks': [], 'cli-telemetry': false, 'vpc-provider:a': {} };
  expect(readConfig(keys)).toEqual(readConfig({}));
});

describe('a wrong value says what was expected and what came', () => {
  test.each([
    [{ device: 'gpu' }, /device: .*"cuda".*"webgpu".*"cpu".* received "gpu"/],
    [{ maxVcpus: 'many' }, /maxVcpus: .*whole number.* received "many"/],
    [{ maxVcpus: '2' }, /maxVcpus: .*4.* received "2"/],
    [{ prefix: 'photos' }, /prefix: .*ends in a slash.* received "photos"/],
    [{ prefix: '/photos/' }, /prefix: .* received "\/photos\/"/],
    [{ image: 'iqpir:latest' }, /image: .*sha256:DIGEST.* received "iqpir:latest"/],
    [{ settings: '{score' }, /settings: .*JSON.* received "{score"/],
    [{ settings: { score: 3 } }, /settings\.score/],
    [{ userModels: 'yes' }, /userModels: .* received "yes"/],
    [{ logRetentionDays: '100' }, /logRetentionDays: .*one of.* received "100"/],
    [{ stage: 'Prod!' }, /stage: .* received "Prod!"/],
    [{ region: 'frankfurt' }, /region: .*eu-central-1.* received "frankfurt"/],
    [{ uploadsBucketName: 'S3://Mine' }, /uploadsBucketName: .*bucket/],
  ])('%j', (context, message) => {
    expect(() => readConfig(context)).toThrow(message);
  });
});

test('a misspelt key is an error that names those there are', () => {
  expect(() => readConfig({ maxVcpu: '64' })).toThrow(/unknown: maxVcpu\. Expected one of .*maxVcpus/);
});

test('a budget needs somebody who hears of it', () => {
  expect(() => readConfig({ monthlyBudget: '50' })).toThrow(/alarmEmail: .* received nothing/);
  expect(readConfig({ monthlyBudget: '50', alarmEmail: 'a@example.org' }).monthlyBudget).toBe(50);
});

test('results never go to the bucket of the uploads', () => {
  const same = { uploadsBucketName: 'photos', resultsBucketName: 'photos' };
  expect(() => readConfig(same)).toThrow(/resultsBucketName: .*another bucket/);
});
