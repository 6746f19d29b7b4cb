import type { Template } from 'aws-cdk-lib/assertions';
import { describe, expect, test } from 'vitest';
import { firstOf, resourcesOf, templatesOf } from '../support/app-templates.ts';

const isolated = templatesOf().pipeline;
const onFargate = templatesOf({ device: 'cpu', eventBus: 'restorations' }).pipeline;
const nat = templatesOf({ network: 'nat' }).pipeline;
const open = templatesOf({ network: 'public', device: 'cpu' }).pipeline;

test('by default there is no way out: neither gateway nor route to one', () => {
  for (const type of ['AWS::EC2::InternetGateway', 'AWS::EC2::NatGateway', 'AWS::EC2::Route']) {
    isolated.resourceCountIs(type, 0);
  }
});

test('what jobs and agents on instances call has an endpoint', () => {
  expect(endpoints(isolated)).toEqual(['ecr.api', 'ecr.dkr', 'ecs', 'ecs-agent', 'ecs-telemetry', 'logs', 's3']);
});

test('on Fargate the agents’ endpoints are left out; a bus that is told of records gets one', () => {
  expect(endpoints(onFargate)).toEqual(['ecr.api', 'ecr.dkr', 'events', 'logs', 's3']);
});

test('interface endpoints stand in one zone, and take HTTPS from this network alone', () => {
  const interfaces = Object.values(resourcesOf(isolated, 'AWS::EC2::VPCEndpoint')).filter(
    ({ Properties }) => Properties.VpcEndpointType === 'Interface',
  );
  expect(new Set(interfaces.map(({ Properties }) => JSON.stringify(Properties.SubnetIds))).size).toBe(1);
  expect(interfaces[0]?.Properties.SubnetIds).toHaveLength(1);
  const groups = Object.values(resourcesOf(isolated, 'AWS::EC2::SecurityGroup'));
  const ingress = groups.flatMap(({ Properties }) => (Properties.SecurityGroupIngress as Ingress[] | undefined) ?? []);
  expect(ingress).toEqual([expect.objectContaining({ CidrIp: '10.0.0.0/16', FromPort: 443, ToPort: 443 })]);
});

describe.each([
  ['isolated', isolated],
  ['nat', nat],
  ['public', open],
])('a network that is %s', (_mode, template) => {
  test('spans two zones, and reaches S3 without a gateway that costs', () => {
    expect(jobSubnets(template)).toHaveLength(2);
    expect(endpoints(template)).toContain('s3');
  });

  test('brings no function of the CDK along', () => {
    const handlers = Object.values(resourcesOf(template, 'AWS::Lambda::Function')).map(
      ({ Properties }) => Properties.Handler,
    );
    expect(new Set(handlers)).toEqual(new Set(['index.handler']));
    template.resourceCountIs('AWS::Lambda::Function', 2);
  });
});

test('with nat, jobs go out through one gateway', () => {
  nat.resourceCountIs('AWS::EC2::NatGateway', 1);
  expect(endpoints(nat)).toEqual(['s3']);
});

test('in public, jobs on Fargate get an address of their own', () => {
  const definition = firstOf(open, 'AWS::Batch::JobDefinition');
  expect(definition.Properties.ContainerProperties).toMatchObject({
    NetworkConfiguration: { AssignPublicIp: 'ENABLED' },
  });
  const isolatedDefinition = firstOf(onFargate, 'AWS::Batch::JobDefinition');
  expect(isolatedDefinition.Properties.ContainerProperties).toMatchObject({
    NetworkConfiguration: { AssignPublicIp: 'DISABLED' },
  });
});

interface Ingress {
  CidrIp: string;
}

/** Services by the end of their names, sorted. */
function endpoints(template: Template): string[] {
  const services = Object.values(resourcesOf(template, 'AWS::EC2::VPCEndpoint')).map(
    ({ Properties }) => Properties.ServiceName,
  );
  return services.map((service) => /\.?((ecr\.)?[a-z0-9-]+)"?\]*\}?$/.exec(JSON.stringify(service))?.[1] ?? '').sort();
}

/** Of the compute environments. */
function jobSubnets(template: Template): unknown[] {
  const environment = firstOf(template, 'AWS::Batch::ComputeEnvironment');
  return (environment.Properties.ComputeResources as { Subnets: unknown[] }).Subnets;
}
