import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { promisify } from 'node:util';
import {
  CloudFormationClient,
  CreateStackCommand,
  DescribeStacksCommand,
  paginateDescribeStackEvents,
} from '@aws-sdk/client-cloudformation';
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { type Emulator, pythonOfMinistack, region } from './emulator.ts';
import type { Asset, Synthesised } from './synthesise.ts';

const account = '000000000000';

/** As much of `cdk bootstrap` as stacks without roles of their own for deployment need. */
const bootstrap = {
  Resources: {
    Assets: {
      Type: 'AWS::S3::Bucket',
      Properties: { BucketName: `cdk-hnb659fds-assets-${account}-${region}` },
    },
    Version: {
      Type: 'AWS::SSM::Parameter',
      Properties: { Type: 'String', Name: '/cdk-bootstrap/hnb659fds/version', Value: '30' },
    },
  },
};

/** Creates the synthesised stacks by CloudFormation, and nothing by other means. @returns the outputs of all of them */
export async function deploy(emulator: Emulator, { folder, stacks }: Synthesised): Promise<Record<string, string>> {
  const cloudFormation = new CloudFormationClient(emulator.options);
  const s3 = new S3Client(emulator.options);
  await create(cloudFormation, 'CDKToolkit', { TemplateBody: JSON.stringify(bootstrap) });
  let outputs: Record<string, string> = {};
  for (const { name, templateFile, assets } of stacks) {
    for (const asset of assets) await publish(s3, folder, asset);
    const template = assets.find(({ path }) => path === templateFile);
    if (!template) throw new Error(`Expected ${templateFile} among the assets of ${name}`);
    const url = `${emulator.endpoint}/${resolved(template.bucket)}/${template.key}`;
    outputs = { ...outputs, ...(await create(cloudFormation, name, { TemplateURL: url })) };
  }
  return outputs;
}

async function create(
  client: CloudFormationClient,
  StackName: string,
  template: { TemplateBody: string } | { TemplateURL: string },
): Promise<Record<string, string>> {
  const Capabilities = ['CAPABILITY_IAM' as const, 'CAPABILITY_NAMED_IAM' as const];
  await client.send(new CreateStackCommand({ StackName, ...template, Capabilities }));
  for (;;) {
    const { Stacks = [] } = await client.send(new DescribeStacksCommand({ StackName }));
    const { StackStatus, StackStatusReason, Outputs = [] } = Stacks[0] ?? {};
    if (StackStatus === 'CREATE_COMPLETE') {
      return Object.fromEntries(Outputs.map(({ OutputKey = '', OutputValue = '' }) => [OutputKey, OutputValue]));
    }
    if (StackStatus !== 'CREATE_IN_PROGRESS') {
      throw new Error(`${await whyFailed(client, StackName)}\n${StackStatus}: ${StackStatusReason}`);
    }
    await pause(50);
  }
}

/** Every page: what failed lies behind all that was rolled back because of it. */
async function whyFailed(client: CloudFormationClient, StackName: string): Promise<string> {
  const lines: string[] = [];
  for await (const { StackEvents = [] } of paginateDescribeStackEvents({ client }, { StackName })) {
    for (const event of StackEvents) {
      if (!event.ResourceStatus?.endsWith('FAILED')) continue;
      lines.push(`${event.LogicalResourceId} ${event.ResourceType}: ${event.ResourceStatusReason}`);
    }
  }
  return [`Expected the stack ${StackName} to be created, but:`, ...lines].join('\n');
}

async function publish(s3: S3Client, folder: string, { path, packaging, bucket, key }: Asset): Promise<void> {
  const source = join(folder, path);
  const Body = await readFile(packaging === 'zip' ? await zipped(folder, source) : source);
  await s3.send(new PutObjectCommand({ Bucket: resolved(bucket), Key: key, Body }));
}

/** The emulator needs Python, so Python is there; Node has no zip. */
async function zipped(folder: string, source: string): Promise<string> {
  const target = join(folder, `zipped-${basename(source)}`);
  const script = 'import shutil, sys; shutil.make_archive(sys.argv[1], "zip", sys.argv[2])';
  await promisify(execFile)(pythonOfMinistack(), ['-c', script, target, source]);
  return `${target}.zip`;
}

function resolved(text: string): string {
  const variables: Record<string, string> = { AccountId: account, Region: region, Partition: 'aws' };
  return text.replaceAll(/\$\{AWS::(\w+)\}/g, (whole, name: string) => variables[name] ?? whole);
}
