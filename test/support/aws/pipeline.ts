import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { S3Client } from '@aws-sdk/client-s3';
import { SQSClient } from '@aws-sdk/client-sqs';
import { StackOutputs } from '../../../functions/lib/contracts/stack-outputs.ts';
import { temporaryFolder } from '../temporary-folder.ts';
import { sessionOf } from './batch/credentials.ts';
import { type BatchEndpoint, type Mischief, serveBatch } from './batch/endpoint.ts';
import { findDefinition } from './batch/find-definition.ts';
import type { Job } from './batch/job.ts';
import { type Jobs, type Machines, runJobs } from './batch/jobs.ts';
import { type StateChanges, stateChanges } from './batch/state-change.ts';
import type { Buckets } from './checker.ts';
import { deploy } from './deploy.ts';
import { type Emulator, startEmulator } from './emulator.ts';
import { layOutImage } from './image-root.ts';
import { readAssembly, type Synthesised, synthesise } from './synthesise.ts';

/** The whole pipeline on this machine, created from its synthesised templates. */
export interface Pipeline {
  emulator: Emulator;
  s3: S3Client;
  sqs: SQSClient;
  events: EventBridgeClient;
  buckets: Buckets;
  outputs: StackOutputs;
  /** What a command of this machine needs in its environment to work on the pipeline, as its owner. */
  environment: Record<string, string>;
  jobs: Jobs;
  stateChanges: StateChanges;
  /** What the containers said, the last of it. */
  output(): string;
  stop(): Promise<void>;
}

export interface PipelineStart {
  /** Roles, policies and TLS enforced. */
  secured?: boolean;
  /** Where Lambdas and containers find S3 instead of the emulator. */
  s3Endpoint?: string;
  /** Told before anything speaks to it. */
  onEmulator?: (emulator: Emulator) => void;
  /** s; the template has uploads wait up to 20 s for others, which a test has not. */
  longestWindow?: number;
  /** What the containers find in their environment besides, and what becomes of them. */
  containers?: Partial<Pick<Machines, 'command' | 'exitOf'>> & { environment?: Record<string, string> };
  /** How often the next state change is delivered. */
  copies?: () => number;
  mischief?: Mischief;
  /** What the containers say. */
  onOutput?: (text: string) => void;
}

/** The CDK context of every pipeline here: on processors, with a prefix, an event of every record, and users' models. */
export const pipelineStack = 'IqpirRestore-test-Pipeline';
const context = { stage: 'test', device: 'cpu', prefix: 'photos/', eventBus: 'default', userModels: 'true' };

/** Kept of what the containers say, characters. */
const outputKept = 200_000;

export async function startPipeline(start: PipelineStart = {}): Promise<Pipeline> {
  const folder = await temporaryFolder();
  const closing: (() => Promise<unknown>)[] = [folder.dispose];
  const stop = async () => {
    for (const close of closing.reverse()) await close();
  };
  try {
    const image = join(folder.path, 'image');
    await mkdir(image);
    const [assembly] = await Promise.all([synthesisedOnce(folder.path), layOutImage(image)]);
    const batch = await startBatch(image, start);
    closing.push(batch.close);
    const emulator = await startEmulator({
      secured: start.secured,
      batchEndpoint: batch.endpoint.url,
      s3Endpoint: start.s3Endpoint,
      longestWindow: start.longestWindow,
    });
    // Containers that are told to stop still speak to the store.
    closing.splice(1, 0, emulator.stop);
    start.onEmulator?.(emulator);
    const connected = batch.connect(emulator);
    const outputs = StackOutputs.parse(await deploy(emulator, assembly));
    const { UploadsBucket: uploads, ResultsBucket: results } = outputs;
    const s3 = new S3Client({ ...emulator.options, maxAttempts: 5 });
    return {
      emulator,
      s3,
      sqs: new SQSClient(emulator.options),
      events: connected.events,
      buckets: { client: s3, uploads, results, prefix: context.prefix },
      outputs,
      environment: {
        ...emulator.environment,
        AWS_ENDPOINT_URL_BATCH: batch.endpoint.url,
        AWS_ACCESS_KEY_ID: 'test',
        AWS_SECRET_ACCESS_KEY: 'test',
      },
      jobs: batch.jobs,
      stateChanges: connected.changes,
      output: batch.output,
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Synthesis takes half a minute; IQPIR_CDK_OUT names a folder in which it is kept for the next pipeline. */
async function synthesisedOnce(scratch: string): Promise<Synthesised> {
  const kept = process.env.IQPIR_CDK_OUT;
  if (kept && existsSync(join(kept, 'manifest.json'))) return readAssembly(kept);
  return synthesise(kept ?? join(scratch, 'cdk.out'), context);
}

interface Batch {
  endpoint: BatchEndpoint;
  jobs: Jobs;
  connect(emulator: Emulator): { events: EventBridgeClient; changes: StateChanges };
  output(): string;
  close(): Promise<void>;
}

/** Batch is there before the emulator, whose Lambdas must know where it is; events and definitions need the emulator. */
async function startBatch(image: string, start: PipelineStart): Promise<Batch> {
  let emulator: Emulator | undefined;
  let changes: StateChanges | undefined;
  let said = '';
  const node = process.env.IQPIR_LAMBDA_NODE ?? process.execPath;
  const machines: Machines = {
    root: image,
    slots: availableParallelism(),
    environment: ({ containerProperties }) => ({
      PATH: [dirname(node), process.env.PATH].join(delimiter),
      HOME: image,
      ...emulator?.environment,
      ...start.containers?.environment,
      ...(start.secured && containerProperties.jobRoleArn
        ? sessionOf(containerProperties.jobRoleArn)
        : { AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'test' }),
    }),
    onOutput: (_job: Job, text: string) => {
      said = (said + text).slice(-outputKept);
      start.onOutput?.(text);
    },
    command: start.containers?.command,
    exitOf: start.containers?.exitOf,
  };
  const jobs = runJobs(machines, (job) => changes?.emit(job));
  const endpoint = await serveBatch({
    jobs,
    findDefinition: async (name) => emulator && findDefinition(emulator, name),
    mischief: start.mischief,
  });
  return {
    endpoint,
    jobs,
    output: () => said,
    connect(to) {
      emulator = to;
      const events = new EventBridgeClient(to.options);
      changes = stateChanges(events, start.copies ?? (() => 1));
      return { events, changes };
    },
    async close() {
      for (const { jobId } of jobs.all()) jobs.terminate(jobId, 'The test is over');
      await jobs.idle();
      await endpoint.close();
    },
  };
}
