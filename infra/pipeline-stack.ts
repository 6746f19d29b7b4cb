import { CfnOutput, Stack, type StackProps } from 'aws-cdk-lib';
import { EventBus } from 'aws-cdk-lib/aws-events';
import { Bucket, type IBucket } from 'aws-cdk-lib/aws-s3';
import { StringParameter } from 'aws-cdk-lib/aws-ssm';
import type { Construct } from 'constructs';
import type { StackOutputs } from '../functions/lib/contracts/stack-outputs.ts';
import type { Config } from './config.ts';
import { existingImage } from './constructs/image.ts';
import { budget } from './constructs/operations.ts';
import { RestorationPipeline } from './restoration-pipeline.ts';
import type { StorageStack } from './storage-stack.ts';

export interface PipelineStackProps extends StackProps {
  readonly config: Config;
  /** Undefined where both buckets are brought. */
  readonly storage: StorageStack | undefined;
}

/** Everything but the buckets. Its outputs are what the `iqpir aws` commands find their way by. */
export class PipelineStack extends Stack {
  readonly pipeline: RestorationPipeline;

  constructor(scope: Construct, id: string, { config, storage, ...props }: PipelineStackProps) {
    super(scope, id, props);
    const uploads = storage?.uploads ?? this.#existing('GivenUploads', config.uploadsBucketName);
    const results = storage?.results ?? this.#existing('GivenResults', config.resultsBucketName);
    const eventBus = config.eventBus ? EventBus.fromEventBusName(this, 'GivenEventBus', config.eventBus) : undefined;
    this.pipeline = new RestorationPipeline(this, 'Pipeline', {
      uploads,
      results,
      uploadsPrefix: config.prefix,
      device: config.device,
      maxVcpus: config.maxVcpus,
      image: config.image ? existingImage(this, 'GivenImage', config.image) : undefined,
      network: config.network,
      eventBus,
      userModels: config.userModels,
      settings: config.settings,
      alarmEmail: config.alarmEmail,
      silentHours: config.silentHours,
      logRetention: config.logRetentionDays,
    });
    if (config.monthlyBudget && config.alarmEmail) {
      budget(this, 'Budget', { dollars: config.monthlyBudget, email: config.alarmEmail });
    }
    const { ingest, settlement, compute, job, catalogue, operations } = this.pipeline;
    const forCommands = {
      UploadsBucket: this.#known('UploadsBucketName', uploads.bucketName),
      UploadsPrefix: config.prefix || '/',
      ResultsBucket: this.#known('ResultsBucketName', results.bucketName),
      JobQueue: compute.queue.jobQueueArn,
      JobDefinition: job.definition.jobDefinitionArn,
      Settings: JSON.stringify(config.settings),
      UserModels: config.userModels ? 'true' : 'false',
      Queue: ingest.queue.queueUrl,
      PoisonQueue: ingest.poison.queueUrl,
      UndeliveredQueue: ingest.undelivered.queueUrl,
      UndeliveredFailuresQueue: settlement.undelivered.queueUrl,
    } satisfies { [Name in keyof StackOutputs]: string };
    const forOperators = {
      DispatchFunction: ingest.dispatch.function.functionName,
      SettleFunction: settlement.settle.function.functionName,
      JobLog: job.logGroup.logGroupName,
      Alarms: operations.topic.topicArn,
      Athena: catalogue.workGroup.name,
    };
    for (const [name, value] of Object.entries({ ...forCommands, ...forOperators }))
      new CfnOutput(this, name, { value });
  }

  #existing(id: string, bucketName = ''): IBucket {
    return Bucket.fromBucketName(this, id, bucketName);
  }

  /** One stack tells all there is to know, but an output cannot hand on another stack's (cfn-lint W6001): a parameter can. */
  #known(id: string, stringValue: string): string {
    return new StringParameter(this, id, { stringValue }).stringValue;
  }
}
