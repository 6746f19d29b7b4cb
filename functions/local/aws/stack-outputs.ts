import { CloudFormationClient, DescribeStacksCommand } from '@aws-sdk/client-cloudformation';
import { z } from 'zod';
import { RestorationError } from '../../lib/contracts/errors.ts';
import { StackOutputs } from '../../lib/contracts/stack-outputs.ts';

/** Reads what a deployed pipeline says of itself. Region, credentials and endpoint come from the environment. */
export async function readStackOutputs(name: string): Promise<StackOutputs> {
  const client = new CloudFormationClient();
  try {
    const { Stacks = [] } = await client.send(new DescribeStacksCommand({ StackName: name }));
    const pairs = (Stacks[0]?.Outputs ?? []).map(({ OutputKey = '', OutputValue }) => [OutputKey, OutputValue]);
    return StackOutputs.parse(Object.fromEntries(pairs));
  } catch (cause) {
    const found =
      cause instanceof z.ZodError
        ? `it lacks outputs (${cause.issues.map(({ path }) => path.join('.')).join(', ')}); deploy it again`
        : `${cause instanceof Error ? cause.message : cause}. Check its name, the region and the credentials`;
    throw new RestorationError(
      'invalid-configuration',
      `Expected the pipeline's CloudFormation stack at ${name}, but ${found}. Or name buckets and queues one by one (--help).`,
      { cause },
    );
  } finally {
    client.destroy();
  }
}
