import type { Duration } from 'aws-cdk-lib';
import type { IVpc, SubnetSelection } from 'aws-cdk-lib/aws-ec2';
import type { ContainerImage } from 'aws-cdk-lib/aws-ecs';
import type { IEventBus } from 'aws-cdk-lib/aws-events';
import { RetentionDays } from 'aws-cdk-lib/aws-logs';
import type { IBucket } from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';
import type { z } from 'zod';
import { bucketLayout, rowsPrefix, userModelsPrefix } from '../functions/lib/contracts/keys.ts';
import { Settings } from '../functions/lib/contracts/settings.ts';
import type { RestoreEnv } from '../functions/restore/config.ts';
import { Catalogue } from './constructs/catalogue.ts';
import { Compute } from './constructs/compute.ts';
import { builtImage, type Device } from './constructs/image.ts';
import { Ingest } from './constructs/ingest.ts';
import { Job, usualTimeout, vcpusOfChild } from './constructs/job.ts';
import { endpointsOf, type JobNetwork, Network, type NetworkMode } from './constructs/network.ts';
import { Operations } from './constructs/operations.ts';
import { mayDelete, mayList, mayRead, mayWrite } from './constructs/permissions.ts';
import { Settlement } from './constructs/settlement.ts';

export interface RestorationPipelineProps {
  /**
   * Pictures put here are restored. A bucket of this app is made to send its events to EventBridge; one of elsewhere must
   * do so already. It should be versioned, so that a replaced upload can still be restored as it was.
   */
  readonly uploads: IBucket;
  /** Results, records, manifests, rows and user models. Another bucket than the uploads. */
  readonly results: IBucket;
  /** Only uploads below it are restored: empty, or ending in a slash. Default: all. */
  readonly uploadsPrefix?: string;
  /** `cuda` (default) and `webgpu` run on GPU instances, `cpu` on Fargate. `webgpu` is unproven on AWS. */
  readonly device?: Device;
  /** How many vCPUs may run at once in each of the two environments, spot and on-demand; a child takes 4. Default: 16. */
  readonly maxVcpus?: number;
  /** The container. Default: built from this package when the stack is deployed, which takes Docker. */
  readonly image?: ContainerImage;
  /** A network of yours; the jobs in it must reach S3, ECR, ECS and CloudWatch Logs. Default: a new one. */
  readonly vpc?: IVpc;
  /** Where in `vpc` the jobs run. Default: its private subnets with a way out, or all where there are none. */
  readonly vpcSubnets?: SubnetSelection;
  /** Whether jobs on Fargate in `vpc` get public addresses. Default: no. */
  readonly assignPublicIp?: boolean;
  /** What the new network is like, without `vpc`. Default: `isolated`. */
  readonly network?: NetworkMode;
  /** Hears of every committed record: source `iqpir.restore`, type `RestorationCompleted`. Default: nobody does. */
  readonly eventBus?: IEventBus;
  /** Whether cards and models below `models/` in the results bucket are used beside the shipped ones. Default: no. */
  readonly userModels?: boolean;
  /** What is asked of a restoration where the upload's metadata ask for nothing else. Default: the models' own. */
  readonly settings?: z.input<typeof Settings>;
  /** Longest run of one child's attempt, a minute at least. Default: 1 hour on a GPU, 6 on Fargate. */
  readonly jobTimeout?: Duration;
  /** Hears of alarms, once its owner has confirmed the subscription. Default: subscribe to `operations.topic` yourself. */
  readonly alarmEmail?: string;
  /** Hours with uploads and without a record after which an alarm is raised. Default: 6. */
  readonly silentHours?: number;
  /** Default: 90 days. */
  readonly logRetention?: RetentionDays;
}

/**
 * The whole pipeline over two buckets: object created, dispatched, restored on AWS Batch, recorded; with settlement of
 * what failed, a table for Athena, alarms and a dashboard.
 */
export class RestorationPipeline extends Construct {
  readonly ingest: Ingest;
  readonly compute: Compute;
  readonly job: Job;
  readonly settlement: Settlement;
  readonly catalogue: Catalogue;
  readonly operations: Operations;

  constructor(scope: Construct, id: string, props: RestorationPipelineProps) {
    super(scope, id);
    checkProps(props);
    const { uploads, results, eventBus, uploadsPrefix = '', device = 'cuda' } = props;
    const logRetention = props.logRetention ?? RetentionDays.THREE_MONTHS;
    const gpu = device !== 'cpu';
    const network = this.#network(props, gpu);

    this.compute = new Compute(this, 'Compute', { gpu, network, maxVcpus: props.maxVcpus ?? 16 });
    this.job = new Job(this, 'Job', {
      gpu,
      image: props.image ?? builtImage(this, 'Image', device),
      environment: {
        IQPIR_UPLOADS_BUCKET: uploads.bucketName,
        IQPIR_UPLOADS_PREFIX: uploadsPrefix,
        IQPIR_RESULTS_BUCKET: results.bucketName,
        IQPIR_DEVICE: device,
        IQPIR_USER_MODELS: props.userModels ? 'true' : 'false',
        ...(eventBus ? { IQPIR_EVENT_BUS: eventBus.eventBusName } : {}),
      } satisfies { [Name in keyof z.input<typeof RestoreEnv>]: unknown },
      assignPublicIp: network.assignPublicIp,
      timeout: jobTimeout(props.jobTimeout, gpu),
      logRetention,
    });
    this.#permitJob(props, uploadsPrefix);

    const submission = {
      jobQueueArn: this.compute.queue.jobQueueArn,
      jobDefinitionArn: this.job.definition.jobDefinitionArn,
      anyRevisionArn: this.job.anyRevisionArn,
    };
    const shared = { uploads, uploadsPrefix, results, submission, logRetention };
    this.ingest = new Ingest(this, 'Ingest', { ...shared, settings: Settings.parse(props.settings ?? {}) });
    this.settlement = new Settlement(this, 'Settlement', { ...shared, eventBus });
    this.catalogue = new Catalogue(this, 'Catalogue', { results });
    this.operations = new Operations(this, 'Operations', {
      ingest: this.ingest,
      settlement: this.settlement,
      results,
      jobQueueArn: submission.jobQueueArn,
      alarmEmail: props.alarmEmail,
      silentHours: props.silentHours ?? 6,
    });
  }

  #network(props: RestorationPipelineProps, gpu: boolean): JobNetwork {
    if (props.vpc)
      return { vpc: props.vpc, subnets: props.vpcSubnets ?? {}, assignPublicIp: props.assignPublicIp ?? false };
    const services = endpointsOf({ ec2: gpu, events: props.eventBus !== undefined });
    return new Network(this, 'Network', { mode: props.network ?? 'isolated', services });
  }

  /** The job reads what it restores and restores by, and writes what it made of it; uploads are never written. */
  #permitJob({ uploads, results, eventBus, userModels }: RestorationPipelineProps, uploadsPrefix: string): void {
    const { role } = this.job;
    const layout = bucketLayout;
    mayRead(role, uploads, [uploadsPrefix]);
    mayList(role, uploads);
    mayRead(role, results, [
      layout.manifests,
      layout.records,
      layout.results,
      ...(userModels ? [userModelsPrefix] : []),
    ]);
    mayList(role, results);
    mayWrite(role, results, [layout.results, layout.records, rowsPrefix]);
    mayDelete(role, results, [layout.results]);
    eventBus?.grantPutEventsTo(role);
  }
}

function jobTimeout(asked: Duration | undefined, gpu: boolean): Duration {
  return asked ?? (gpu ? usualTimeout.gpu : usualTimeout.cpu);
}

/** What AWS would refuse only when the stack is deployed, or never, and do something else. */
function checkProps({
  uploads,
  results,
  uploadsPrefix = '',
  maxVcpus = vcpusOfChild,
  jobTimeout,
}: RestorationPipelineProps) {
  if (uploads === results)
    throw new Error('Expected results to be another bucket than uploads: they would be restored again');
  if (!/^$|^[^/].*\/$/.test(uploadsPrefix)) {
    throw new Error(`Expected uploadsPrefix to be empty or end in a slash but received "${uploadsPrefix}"`);
  }
  if (maxVcpus < vcpusOfChild) {
    throw new Error(`Expected maxVcpus to be ${vcpusOfChild} at least, what one child takes, but received ${maxVcpus}`);
  }
  if (jobTimeout && jobTimeout.toSeconds() < 60) {
    throw new Error(`Expected a jobTimeout of a minute at least but received ${jobTimeout.toSeconds()} s`);
  }
}
