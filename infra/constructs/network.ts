import { Validations } from 'aws-cdk-lib';
import {
  GatewayVpcEndpointAwsService,
  InterfaceVpcEndpointAwsService,
  IpAddresses,
  type IVpc,
  Peer,
  Port,
  SecurityGroup,
  type SubnetConfiguration,
  type SubnetSelection,
  SubnetType,
  Vpc,
} from 'aws-cdk-lib/aws-ec2';
import { Construct } from 'constructs';
import type { networkModes } from '../config.ts';

export type NetworkMode = (typeof networkModes)[number];

/** Where the jobs run. */
export interface JobNetwork {
  readonly vpc: IVpc;
  readonly subnets: SubnetSelection;
  /** Whether containers on Fargate need public addresses to reach AWS. */
  readonly assignPublicIp: boolean;
}

export interface NetworkProps {
  readonly mode: NetworkMode;
  /** Interface endpoints that an isolated network needs, see `endpointsOf`. */
  readonly services: InterfaceVpcEndpointAwsService[];
}

const layouts: Record<NetworkMode, SubnetConfiguration[]> = {
  isolated: [{ name: 'Jobs', subnetType: SubnetType.PRIVATE_ISOLATED, cidrMask: 20 }],
  nat: [
    { name: 'Jobs', subnetType: SubnetType.PRIVATE_WITH_EGRESS, cidrMask: 20 },
    { name: 'Gateway', subnetType: SubnetType.PUBLIC, cidrMask: 28 },
  ],
  public: [{ name: 'Jobs', subnetType: SubnetType.PUBLIC, cidrMask: 20, mapPublicIpOnLaunch: true }],
};

const addresses = '10.0.0.0/16';

/** A network for the jobs alone; pictures reach S3 through the gateway endpoint in every mode, which costs nothing. */
export class Network extends Construct implements JobNetwork {
  readonly vpc: Vpc;
  readonly subnets: SubnetSelection = { subnetGroupName: 'Jobs' };
  readonly assignPublicIp: boolean;

  constructor(scope: Construct, id: string, { mode, services }: NetworkProps) {
    super(scope, id);
    this.assignPublicIp = mode === 'public';
    this.vpc = new Vpc(this, 'Vpc', {
      ipAddresses: IpAddresses.cidr(addresses),
      maxAzs: 2,
      natGateways: mode === 'nat' ? 1 : 0,
      subnetConfiguration: layouts[mode],
      gatewayEndpoints: { S3: { service: GatewayVpcEndpointAwsService.S3 } },
      // The default group is used by nothing; emptying it would bring a custom resource with a function of its own.
      restrictDefaultSecurityGroup: false,
    });
    if (mode === 'isolated') this.#addEndpoints(services);
    Validations.of(this.vpc).acknowledge({
      id: 'AwsSolutions-VPC7',
      reason:
        'Nothing listens in this network: jobs only call AWS, whose own logs (CloudTrail, S3 access logs) say who asked for what. Flow logs cost by the byte of every picture; switch them on for the account where a policy asks for it.',
    });
  }

  #addEndpoints(services: InterfaceVpcEndpointAwsService[]): void {
    const securityGroup = new SecurityGroup(this, 'Endpoints', {
      vpc: this.vpc,
      description: 'Endpoints of AWS services: HTTPS from this network',
      allowAllOutbound: false,
    });
    securityGroup.addIngressRule(Peer.ipv4(addresses), Port.HTTPS, 'HTTPS from this network');
    // One zone: an endpoint costs by the hour and zone, and its private name serves the whole network.
    const subnets = { subnets: this.vpc.selectSubnets(this.subnets).subnets.slice(0, 1) };
    for (const service of services) {
      this.vpc.addInterfaceEndpoint(nameOf(service), {
        service,
        subnets,
        securityGroups: [securityGroup],
        open: false,
      });
    }
  }
}

/** What the agents and the jobs call, besides S3. */
export function endpointsOf({ ec2, events }: { ec2: boolean; events: boolean }): InterfaceVpcEndpointAwsService[] {
  const { ECR, ECR_DOCKER, CLOUDWATCH_LOGS, ECS, ECS_AGENT, ECS_TELEMETRY, EVENTBRIDGE } =
    InterfaceVpcEndpointAwsService;
  return [
    ECR,
    ECR_DOCKER,
    CLOUDWATCH_LOGS,
    ...(ec2 ? [ECS, ECS_AGENT, ECS_TELEMETRY] : []),
    ...(events ? [EVENTBRIDGE] : []),
  ];
}

function nameOf(service: InterfaceVpcEndpointAwsService): string {
  return service.shortName
    .split(/[.-]/)
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join('');
}
