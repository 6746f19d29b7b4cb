import { type App, Tags, Validations } from 'aws-cdk-lib';
import { Checks } from './checks.ts';
import { type Config, readConfig } from './config.ts';
import { PipelineStack } from './pipeline-stack.ts';
import { StorageStack } from './storage-stack.ts';

/** The app's stacks as its context asks for them, with their cost tags and checks. */
export function addStacks(app: App): { config: Config; storage: StorageStack | undefined; pipeline: PipelineStack } {
  const config = readConfig(app.node.getAllContext() as Record<string, unknown>);
  const env = { region: config.region };
  const name = `IqpirRestore-${config.stage}`;
  // Where both buckets are brought it would be empty, which CloudFormation refuses.
  const storage =
    config.uploadsBucketName && config.resultsBucketName
      ? undefined
      : new StorageStack(app, 'Storage', { stackName: `${name}-Storage`, env, config });
  const pipeline = new PipelineStack(app, 'Pipeline', { stackName: `${name}-Pipeline`, env, config, storage });

  // The bill can be split by them, and the budget looks at the first. Nothing in them changes from one deployment to the next.
  Tags.of(app).add('project', 'iqpir-restore');
  Tags.of(app).add('stage', config.stage);

  Validations.of(app).addPlugins(new Checks(app, { uploadsPrefix: config.prefix }));
  return { config, storage, pipeline };
}
