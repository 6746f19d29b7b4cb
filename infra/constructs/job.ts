import { Duration, Names, RemovalPolicy, Size, Stack, Validations } from 'aws-cdk-lib';
import {
  Action,
  EcsEc2ContainerDefinition,
  EcsFargateContainerDefinition,
  EcsJobDefinition,
  EcsVolume,
  type IEcsContainerDefinition,
  LinuxParameters,
  Reason,
  RetryStrategy,
  TmpfsMountOption,
} from 'aws-cdk-lib/aws-batch';
import { type ContainerImage, CpuArchitecture, LogDriver, OperatingSystemFamily } from 'aws-cdk-lib/aws-ecs';
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { LogGroup, type RetentionDays } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';

export interface JobProps {
  /** GPU instances, or Fargate. */
  readonly gpu: boolean;
  readonly image: ContainerImage;
  readonly environment: Record<string, string>;
  readonly assignPublicIp: boolean;
  /** Of one attempt. A job that runs into it is not tried again, but settled as failed. */
  readonly timeout: Duration;
  readonly logRetention: RetentionDays;
}

/** A child works 3 to 5 minutes, on few cores longer; this is far beyond it, and ends what hangs. */
export const usualTimeout = { gpu: Duration.hours(1), cpu: Duration.hours(6) };

/** Of an instance with 16 GiB some 1.5 GiB are the system's and the agent's: a job that asks for all of it never starts. */
const memory = { gpu: Size.mebibytes(14_000), cpu: Size.mebibytes(8192) };
export const vcpusOfChild = 4;
/** Counts as memory of the container; the root file system is read-only. */
const scratch = Size.mebibytes(2048);
const attempts = 5;

/**
 * What is tried again: work that was handed back or met a passing fault (exit code 75), a spot instance that was taken
 * away, an image that did not come. All else is final, and rules are read in this order.
 */
const retryStrategies = [
  RetryStrategy.of(Action.RETRY, Reason.custom({ onExitCode: '75' })),
  RetryStrategy.of(Action.RETRY, Reason.SPOT_INSTANCE_RECLAIMED),
  RetryStrategy.of(Action.RETRY, Reason.CANNOT_PULL_CONTAINER),
  RetryStrategy.of(Action.EXIT, Reason.custom({ onReason: '*' })),
];

/** The container: restores one share of a manifest, as nobody in particular, on a file system that it cannot change. */
export class Job extends Construct {
  readonly definition: EcsJobDefinition;
  readonly role: Role;
  readonly logGroup: LogGroup;
  /** ARN of the definition's every revision. */
  readonly anyRevisionArn: string;

  constructor(scope: Construct, id: string, props: JobProps) {
    super(scope, id);
    this.role = new Role(this, 'Role', { assumedBy: new ServicePrincipal('ecs-tasks.amazonaws.com') });
    this.logGroup = new LogGroup(this, 'Log', { retention: props.logRetention, removalPolicy: RemovalPolicy.DESTROY });
    const jobDefinitionName = Names.uniqueResourceName(this, { maxLength: 120 });
    const container = this.#container(props);
    Validations.of(container.executionRole).acknowledge({
      id: 'AwsSolutions-IAM5[Resource::*]',
      reason:
        'Asking for a token to pull with (ecr:GetAuthorizationToken) knows no resource; pulling itself is granted on the one repository.',
    });
    this.definition = new EcsJobDefinition(this, 'Definition', {
      jobDefinitionName,
      container,
      timeout: props.timeout,
      retryAttempts: attempts,
      retryStrategies,
      propagateTags: true,
      // Jobs that wait in the queue when an update comes still find theirs.
      skipDeregisterOnUpdate: true,
    });
    this.anyRevisionArn = Stack.of(this).formatArn({
      service: 'batch',
      resource: 'job-definition',
      resourceName: `${jobDefinitionName}:*`,
    });
  }

  #container(props: JobProps): IEcsContainerDefinition {
    const common = {
      image: props.image,
      command: ['node', 'dist/functions/restore/main.js', '--manifest', 'Ref::manifest'],
      cpu: vcpusOfChild,
      environment: props.environment,
      jobRole: this.role,
      // Numeric, since the two base images call it by different names.
      user: '1000:1000',
      readonlyRootFilesystem: true,
      logging: LogDriver.awsLogs({ logGroup: this.logGroup, streamPrefix: 'restore' }),
    };
    if (!props.gpu) {
      return new EcsFargateContainerDefinition(this, 'Container', {
        ...common,
        memory: memory.cpu,
        // Fargate has no tmpfs: an empty volume of the task's own disk takes its place.
        volumes: [EcsVolume.host({ name: 'scratch', containerPath: '/tmp' })],
        assignPublicIp: props.assignPublicIp,
        fargateCpuArchitecture: CpuArchitecture.X86_64,
        fargateOperatingSystemFamily: OperatingSystemFamily.LINUX,
      });
    }
    const linuxParameters = new LinuxParameters(this, 'Linux', { initProcessEnabled: true });
    linuxParameters.addTmpfs({
      containerPath: '/tmp',
      size: scratch,
      mountOptions: [TmpfsMountOption.NOEXEC, TmpfsMountOption.NOSUID, TmpfsMountOption.NODEV],
    });
    return new EcsEc2ContainerDefinition(this, 'Container', { ...common, memory: memory.gpu, gpu: 1, linuxParameters });
  }
}
