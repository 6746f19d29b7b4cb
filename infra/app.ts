import { App, Tags, Validations } from 'aws-cdk-lib';
import { Checks } from './checks.ts';
import { readConfig } from './config.ts';
import { PipelineStack } from './pipeline-stack.ts';
import { StorageStack } from './storage-stack.ts';

const app = new App();
const config = readConfig(app.node.getAllContext());

const env = { region: config.region };
const name = `IqpirRestore-${config.stage}`;
const storage = new StorageStack(app, 'Storage', { stackName: `${name}-Storage`, env, config });
const { uploads, results } = storage;
new PipelineStack(app, 'Pipeline', { stackName: `${name}-Pipeline`, env, config, uploads, results });

// Cost allocation: the bill can be split by them, and the budget looks at the first.
Tags.of(app).add('project', 'iqpir-restore');
Tags.of(app).add('stage', config.stage);

Validations.of(app).addPlugins(new Checks(app, { uploadsPrefix: config.prefix }));
