import { Duration, Validations } from 'aws-cdk-lib';
import {
  AllocationStrategy,
  type CfnComputeEnvironment,
  EcsMachineImageType,
  FargateComputeEnvironment,
  type IManagedComputeEnvironment,
  JobQueue,
  JobStateTimeLimitActionsReason,
  ManagedEc2EcsComputeEnvironment,
} from 'aws-cdk-lib/aws-batch';
import {
  BlockDeviceVolume,
  EbsDeviceVolumeType,
  InstanceType,
  LaunchTemplate,
  LaunchTemplateHttpTokens,
  SecurityGroup,
} from 'aws-cdk-lib/aws-ec2';
import { ManagedPolicy, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Construct } from 'constructs';
import type { JobNetwork } from './network.ts';

export interface ComputeProps {
  /** GPU instances, or Fargate. */
  readonly gpu: boolean;
  readonly network: JobNetwork;
  /** Of each of the two environments. */
  readonly maxVcpus: number;
}

/** One GPU each, T4, A10G or L4, 16 GiB of memory and up: whichever is to be had. */
const gpuInstances = ['g4dn', 'g5', 'g6'].flatMap((family) => [`${family}.xlarge`, `${family}.2xlarge`]);

/** The image with its CUDA libraries takes some 10 GB unpacked; the rest is room for the agent and logs. */
const diskGiB = 100;

/**
 * A job at the head of the queue blocks all behind it. Capacity comes back, so it is waited for; a job that no instance can
 * hold never runs. Cancelled ones are settled as failed.
 */
const blocked = [
  { reason: JobStateTimeLimitActionsReason.INSUFFICIENT_INSTANCE_CAPACITY, maxTime: Duration.hours(12) },
  { reason: JobStateTimeLimitActionsReason.COMPUTE_ENVIRONMENT_MAX_RESOURCE, maxTime: Duration.minutes(30) },
  { reason: JobStateTimeLimitActionsReason.JOB_RESOURCE_REQUIREMENT, maxTime: Duration.minutes(30) },
];

/** The queue over two environments that scale to zero: spot capacity first, on-demand where there is none. */
export class Compute extends Construct {
  readonly queue: JobQueue;

  constructor(scope: Construct, id: string, props: ComputeProps) {
    super(scope, id);
    // No rule lets anything in: jobs only call out.
    const securityGroup = new SecurityGroup(this, 'SecurityGroup', {
      vpc: props.network.vpc,
      description: 'Restoration jobs: outbound only',
    });
    const environments = props.gpu ? this.#gpu(props, securityGroup) : this.#fargate(props, securityGroup);
    this.queue = new JobQueue(this, 'JobQueue', {
      computeEnvironments: environments.map((computeEnvironment, index) => ({ computeEnvironment, order: index + 1 })),
      jobStateTimeLimitActions: blocked,
    });
  }

  #gpu({ network, maxVcpus }: ComputeProps, securityGroup: SecurityGroup): IManagedComputeEnvironment[] {
    const launchTemplate = new LaunchTemplate(this, 'LaunchTemplate', {
      blockDevices: [
        {
          deviceName: '/dev/xvda',
          volume: BlockDeviceVolume.ebs(diskGiB, { volumeType: EbsDeviceVolumeType.GP3, encrypted: true }),
        },
      ],
      httpTokens: LaunchTemplateHttpTokens.REQUIRED,
      // One hop ends at the instance: a container cannot take the instance's credentials for its own.
      httpPutResponseHopLimit: 1,
    });
    const instanceRole = new Role(this, 'InstanceRole', {
      assumedBy: new ServicePrincipal('ec2.amazonaws.com'),
      managedPolicies: [ManagedPolicy.fromAwsManagedPolicyName('service-role/AmazonEC2ContainerServiceforEC2Role')],
    });
    Validations.of(instanceRole).acknowledge({
      id: 'AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/AmazonEC2ContainerServiceforEC2Role]',
      reason:
        'What the ECS agent may do is AWS’s to keep in step with the agent; containers cannot reach this role (IMDSv2, one hop).',
    });
    return [true, false].map((spot) => {
      const environment = new ManagedEc2EcsComputeEnvironment(this, spot ? 'Spot' : 'OnDemand', {
        vpc: network.vpc,
        vpcSubnets: network.subnets,
        securityGroups: [securityGroup],
        spot,
        allocationStrategy: spot
          ? AllocationStrategy.SPOT_PRICE_CAPACITY_OPTIMIZED
          : AllocationStrategy.BEST_FIT_PROGRESSIVE,
        minvCpus: 0,
        maxvCpus: maxVcpus,
        instanceTypes: gpuInstances.map((type) => new InstanceType(type)),
        // Otherwise "optimal" is added to them, and with it instances that have no GPU.
        useOptimalInstanceClasses: false,
        // Always explicit: without it Batch may take an image without drivers, and GPU jobs wait for ever.
        images: [{ imageType: EcsMachineImageType.ECS_AL2023_NVIDIA }],
        instanceRole,
        launchTemplate,
        // A replacement fails while the queue refers to the old one: changes are rolled out in place.
        replaceComputeEnvironment: false,
        updateToLatestImageVersion: true,
      });
      // Without a version Batch keeps the one of its creation, and later edits are ignored.
      const resource = environment.node.findChild('Resource') as CfnComputeEnvironment;
      resource.addPropertyOverride('ComputeResources.LaunchTemplate.Version', launchTemplate.latestVersionNumber);
      return environment;
    });
  }

  #fargate({ network, maxVcpus }: ComputeProps, securityGroup: SecurityGroup): IManagedComputeEnvironment[] {
    return [true, false].map(
      (spot) =>
        new FargateComputeEnvironment(this, spot ? 'Spot' : 'OnDemand', {
          vpc: network.vpc,
          vpcSubnets: network.subnets,
          securityGroups: [securityGroup],
          spot,
          maxvCpus: maxVcpus,
          replaceComputeEnvironment: false,
        }),
    );
  }
}
