import { rmSync } from 'node:fs';
import { FileSystem, Stack } from 'aws-cdk-lib';
import { Repository } from 'aws-cdk-lib/aws-ecr';
import { DockerImageAsset, Platform } from 'aws-cdk-lib/aws-ecr-assets';
import { ContainerImage } from 'aws-cdk-lib/aws-ecs';
import type { Construct } from 'constructs';
import type { devices } from '../config.ts';
import { dockerfile, stageImageContext } from './image-context.ts';

/** What the restoration runs on. */
export type Device = (typeof devices)[number];

/** The image's two targets: CUDA and cuDNN weigh GBs, WebGPU and the CPU need neither. */
const targets: Record<Device, string> = { cuda: 'cuda', webgpu: 'slim', cpu: 'slim' };

/** An image made of this installation by Docker when the stack is deployed; synthesis only gathers its files. */
export function builtImage(scope: Construct, id: string, device: Device): ContainerImage {
  const directory = FileSystem.mkdtemp('iqpir-image-');
  try {
    stageImageContext(directory);
    const asset = new DockerImageAsset(scope, id, {
      directory,
      file: dockerfile,
      target: targets[device],
      platform: Platform.LINUX_AMD64,
    });
    return ContainerImage.fromDockerImageAsset(asset);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** @param uri ACCOUNT.dkr.ecr.REGION.amazonaws.com/NAME@sha256:DIGEST; a tag could change under way */
export function existingImage(scope: Construct, id: string, uri: string): ContainerImage {
  const match = /^(\d+)\.dkr\.ecr\.([a-z0-9-]+)\.[^/]+\/(.+)@(sha256:[0-9a-f]{64})$/.exec(uri);
  if (!match)
    throw new Error(`Expected an ECR image by digest (…amazonaws.com/NAME@sha256:DIGEST) but received ${uri}`);
  const [, account, region, repositoryName = '', digest = ''] = match;
  const repositoryArn = Stack.of(scope).formatArn({
    service: 'ecr',
    resource: 'repository',
    resourceName: repositoryName,
    account,
    region,
  });
  return ContainerImage.fromEcrRepository(
    Repository.fromRepositoryAttributes(scope, id, { repositoryArn, repositoryName }),
    digest,
  );
}
