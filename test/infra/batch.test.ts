import type { Template } from 'aws-cdk-lib/assertions';
import { describe, expect, test } from 'vitest';
import { RestoreEnv } from '../../functions/restore/config.ts';
import { imageUri, resourceNamed, resourcesOf, templatesOf } from '../support/app-templates.ts';

const cuda = templatesOf().pipeline;
const cpu = templatesOf({ device: 'cpu' }).pipeline;
const webgpu = templatesOf({ device: 'webgpu', maxVcpus: '64' }).pipeline;

describe.each([
  ['spot', 'SPOT', 'SPOT_PRICE_CAPACITY_OPTIMIZED'],
  ['on-demand', 'EC2', 'BEST_FIT_PROGRESSIVE'],
])('the %s environment of GPU instances', (_name, type, strategy) => {
  const resources = environment(cuda, type);

  test('chooses by its strategy, and scales from nothing to the given vCPUs', () => {
    expect(resources).toMatchObject({ AllocationStrategy: strategy, MinvCpus: 0, MaxvCpus: 16 });
  });

  test('takes instances with one NVIDIA GPU, and none of Batch’s own choice', () => {
    expect(resources.InstanceTypes).toEqual([
      ...['g4dn.xlarge', 'g4dn.2xlarge', 'g5.xlarge', 'g5.2xlarge', 'g6.xlarge', 'g6.2xlarge'],
    ]);
  });

  test('names the image with drivers', () => {
    expect(resources.Ec2Configuration).toEqual([{ ImageType: 'ECS_AL2023_NVIDIA' }]);
  });

  test('follows its launch template’s latest version', () => {
    const { id } = resourceNamed(cuda, 'AWS::EC2::LaunchTemplate', /./);
    expect(resources.LaunchTemplate).toEqual({
      LaunchTemplateId: { Ref: id },
      Version: { 'Fn::GetAtt': [id, 'LatestVersionNumber'] },
    });
  });
});

test('instances have an encrypted disk, and their credentials are out of a container’s reach', () => {
  const { LaunchTemplateData } = resourceNamed(cuda, 'AWS::EC2::LaunchTemplate', /./).Properties;
  expect(LaunchTemplateData).toMatchObject({
    BlockDeviceMappings: [{ DeviceName: '/dev/xvda', Ebs: { Encrypted: true, VolumeSize: 100, VolumeType: 'gp3' } }],
    MetadataOptions: { HttpTokens: 'required', HttpPutResponseHopLimit: 1 },
  });
});

test('on the CPU, environments are Fargate’s', () => {
  expect([environment(cpu, 'FARGATE_SPOT'), environment(cpu, 'FARGATE')]).toHaveLength(2);
  cpu.resourceCountIs('AWS::EC2::LaunchTemplate', 0);
});

describe.each([
  ['cuda', cuda, ['SPOT', 'EC2']],
  ['webgpu', webgpu, ['SPOT', 'EC2']],
  ['cpu', cpu, ['FARGATE_SPOT', 'FARGATE']],
])('on %s', (device, template, types) => {
  const queue = resourceNamed(template, 'AWS::Batch::JobQueue', /./).Properties;
  const { ContainerProperties: container, ...job } = definition(template);

  test('spot capacity comes first, on-demand second', () => {
    const order = queue.ComputeEnvironmentOrder as { Order: number; ComputeEnvironment: { 'Fn::GetAtt': [string] } }[];
    const environments = resourcesOf(template, 'AWS::Batch::ComputeEnvironment');
    const inOrder = [...order]
      .sort((a, b) => a.Order - b.Order)
      .map((each) => each.ComputeEnvironment['Fn::GetAtt'][0]);
    const type = (id: string) => (environments[id]?.Properties.ComputeResources as { Type: string } | undefined)?.Type;
    expect(inOrder.map(type)).toEqual(types);
  });

  test('neither environment has a name, nor is it replaced: the queue refers to it', () => {
    for (const { Properties } of Object.values(resourcesOf(template, 'AWS::Batch::ComputeEnvironment'))) {
      expect(Properties).toMatchObject({ ReplaceComputeEnvironment: false, Type: 'managed' });
      expect(Properties.ComputeEnvironmentName).toBeUndefined();
    }
  });

  test('a job that cannot start is cancelled: without capacity after 12 hours, by mistake after 30 minutes', () => {
    expect(queue.JobStateTimeLimitActions).toEqual([
      {
        Action: 'CANCEL',
        MaxTimeSeconds: 43_200,
        Reason: 'CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY',
        State: 'RUNNABLE',
      },
      {
        Action: 'CANCEL',
        MaxTimeSeconds: 1800,
        Reason: 'MISCONFIGURATION:COMPUTE_ENVIRONMENT_MAX_RESOURCE',
        State: 'RUNNABLE',
      },
      {
        Action: 'CANCEL',
        MaxTimeSeconds: 1800,
        Reason: 'MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT',
        State: 'RUNNABLE',
      },
    ]);
  });

  test('what is tried again: handed back, spot instance gone, image not pulled; all else is final', () => {
    expect(job.RetryStrategy).toEqual({
      Attempts: 5,
      EvaluateOnExit: [
        { Action: 'RETRY', OnExitCode: '75' },
        { Action: 'RETRY', OnStatusReason: 'Host EC2*' },
        { Action: 'RETRY', OnReason: 'CannotPullContainerError:*' },
        { Action: 'EXIT', OnReason: '*' },
      ],
    });
  });

  test('a job ends by itself: Batch takes no less than a minute', () => {
    const { AttemptDurationSeconds } = job.Timeout as { AttemptDurationSeconds: number };
    expect(AttemptDurationSeconds).toBe(device === 'cpu' ? 6 * 3600 : 3600);
  });

  test('an update leaves the last revision to what is queued', () => {
    expect(job.ResourceRetentionPolicy).toEqual({ SkipDeregisterOnUpdate: true });
  });

  test('the container restores the manifest that it is given', () => {
    expect(container.Command).toEqual(['node', 'dist/functions/restore/main.js', '--manifest', 'Ref::manifest']);
  });

  test('it is nobody in particular, on a file system that it cannot change', () => {
    expect(container).toMatchObject({ User: '1000:1000', ReadonlyRootFilesystem: true });
    expect(container.Privileged).not.toBe(true);
  });

  test('its image is named by digest', () => {
    const image = JSON.stringify(container.Image);
    expect(image).toContain(imageUri.slice(imageUri.indexOf('/')));
  });

  test('its environment is what the program’s schema asks for', () => {
    const entries = (container.Environment as { Name: string; Value: unknown }[]).map(({ Name, Value }) => [
      Name,
      typeof Value === 'string' ? Value : 'some-bucket',
    ]);
    expect(RestoreEnv.parse(Object.fromEntries(entries))).toMatchObject({
      IQPIR_DEVICE: device,
      IQPIR_UPLOADS_PREFIX: '',
    });
    expect(entries.map(([name]) => name).filter((name) => !(String(name) in RestoreEnv.shape))).toEqual([]);
  });

  test('it logs into a group of its own that forgets', () => {
    const group = resourceNamed(template, 'AWS::Logs::LogGroup', /JobLog/);
    expect(group.Properties.RetentionInDays).toBe(90);
    expect(container.LogConfiguration).toMatchObject({
      LogDriver: 'awslogs',
      Options: { 'awslogs-group': { Ref: group.id } },
    });
  });
});

describe('a GPU’s container', () => {
  const { ContainerProperties: container } = definition(cuda);

  test('has one GPU, 4 vCPUs, and less memory than an instance of 16 GiB', () => {
    expect(container.ResourceRequirements).toEqual(
      expect.arrayContaining([
        { Type: 'GPU', Value: '1' },
        { Type: 'VCPU', Value: '4' },
        { Type: 'MEMORY', Value: '14000' },
      ]),
    );
  });

  test('has memory for its temporary files', () => {
    expect(container.LinuxParameters).toMatchObject({ Tmpfs: [{ ContainerPath: '/tmp', Size: 2048 }] });
  });
});

describe('a container on Fargate', () => {
  const { ContainerProperties: container, PlatformCapabilities } = definition(cpu);

  test('has an empty volume for its temporary files, since Fargate has no tmpfs', () => {
    expect(PlatformCapabilities).toEqual(['FARGATE']);
    expect(container.LinuxParameters).toBeUndefined();
    expect(container.Volumes).toEqual([{ Name: 'scratch', Host: {} }]);
    expect(container.MountPoints).toEqual([
      expect.objectContaining({ ContainerPath: '/tmp', SourceVolume: 'scratch' }),
    ]);
  });

  test('asks for a size that Fargate has, and no GPU', () => {
    const requirements = container.ResourceRequirements as { Type: string; Value: string }[];
    expect(Object.fromEntries(requirements.map(({ Type, Value }) => [Type, Value]))).toEqual({
      VCPU: '4',
      MEMORY: '8192',
    });
  });
});

test('every child of the pipeline may be counted on: maxVcpus reaches both environments', () => {
  expect([environment(webgpu, 'SPOT').MaxvCpus, environment(webgpu, 'EC2').MaxvCpus]).toEqual([64, 64]);
});

function environment(template: Template, type: string): Record<string, unknown> {
  const all = Object.values(resourcesOf(template, 'AWS::Batch::ComputeEnvironment'));
  const found = all.map(({ Properties }) => Properties.ComputeResources as Record<string, unknown>);
  const one = found.find(({ Type }) => Type === type);
  if (!one)
    throw new Error(`Expected an environment of type ${type} among ${found.map(({ Type }) => Type).join(', ')}`);
  return one;
}

type Definition = Record<string, unknown> & { ContainerProperties: Record<string, unknown> };

function definition(template: Template): Definition {
  return resourceNamed(template, 'AWS::Batch::JobDefinition', /./).Properties as Definition;
}
