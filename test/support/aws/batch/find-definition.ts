import { BatchClient, DescribeJobDefinitionsCommand } from '@aws-sdk/client-batch';
import type { Emulator } from '../emulator.ts';
import { JobDefinition } from './job-definition.ts';

/** The definition that the stack registered, by ARN, by name and revision, or by name for the newest. */
export async function findDefinition({ options }: Emulator, name: string): Promise<JobDefinition | undefined> {
  const [jobDefinitionName, revision] = (name.split('/').at(-1) ?? name).split(':');
  const client = new BatchClient(options);
  const { jobDefinitions = [] } = await client.send(new DescribeJobDefinitionsCommand({ jobDefinitionName }));
  client.destroy();
  const found = revision
    ? jobDefinitions.find((definition) => `${definition.revision}` === revision)
    : jobDefinitions.sort((a, b) => (b.revision ?? 0) - (a.revision ?? 0))[0];
  return found && JobDefinition.parse(found);
}
