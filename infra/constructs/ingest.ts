import { Annotations, Duration, Stack } from 'aws-cdk-lib';
import { Rule } from 'aws-cdk-lib/aws-events';
import { SqsQueue } from 'aws-cdk-lib/aws-events-targets';
import { SqsEventSource } from 'aws-cdk-lib/aws-lambda-event-sources';
import type { RetentionDays } from 'aws-cdk-lib/aws-logs';
import type { IBucket } from 'aws-cdk-lib/aws-s3';
import type { Queue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import type { z } from 'zod';
import type { DispatchEnv } from '../../functions/dispatch/config.ts';
import { bucketLayout } from '../../functions/lib/contracts/keys.ts';
import type { Settings } from '../../functions/lib/contracts/settings.ts';
import { sendEvents } from './buckets.ts';
import { LambdaProgram } from './lambda-program.ts';
import { mayWrite } from './permissions.ts';
import { deadLetters, privateQueue } from './queues.ts';
import { maySubmit, type Submission } from './submission.ts';

export interface IngestProps {
  readonly uploads: IBucket;
  readonly uploadsPrefix: string;
  readonly results: IBucket;
  readonly submission: Submission;
  readonly settings: Settings;
  readonly logRetention: RetentionDays;
}

/** Longest run of the function; the queue hides a batch for six times that and the window, as Lambda asks for. */
const timeout = Duration.seconds(60);
/** How long a first upload waits for others, so that one job takes them all. */
const window = Duration.seconds(20);
/** Reading a batch of 1,000 events takes some 2 MB of the 6 that Lambda passes on. */
const batchSize = 1000;
/** Throttled submissions hand messages back: each time counts, so there are more tries than a poison message needs. */
const tries = 8;

/** Object created -> rule -> queue -> dispatch function. What cannot be delivered or read ends in a dead letter queue. */
export class Ingest extends Construct {
  readonly rule: Rule;
  readonly queue: Queue;
  /** Messages that the function gave up on. */
  readonly poison: Queue;
  /** Events that never reached the queue. */
  readonly undelivered: Queue;
  readonly dispatch: LambdaProgram;

  constructor(scope: Construct, id: string, props: IngestProps) {
    super(scope, id);
    if (!sendEvents(props.uploads)) this.#warn(props.uploads);
    this.poison = deadLetters(this, 'Poison');
    this.undelivered = deadLetters(this, 'Undelivered');
    this.queue = privateQueue(this, 'Queue', {
      visibilityTimeout: Duration.seconds(6 * timeout.toSeconds() + window.toSeconds()),
      retentionPeriod: Duration.days(14),
      deadLetterQueue: { queue: this.poison, maxReceiveCount: tries },
    });
    this.rule = new Rule(this, 'Rule', {
      description: 'Uploads to restore',
      eventPattern: {
        source: ['aws.s3'],
        detailType: ['Object Created'],
        // The type of a file shows in its content alone, and an empty one deserves its failed record: only the prefix filters.
        detail: {
          bucket: { name: [props.uploads.bucketName] },
          ...(props.uploadsPrefix ? { object: { key: [{ prefix: props.uploadsPrefix }] } } : {}),
        },
      },
      targets: [
        new SqsQueue(this.queue, {
          deadLetterQueue: this.undelivered,
          retryAttempts: 185,
          maxEventAge: Duration.hours(24),
        }),
      ],
    });
    this.dispatch = this.#dispatch(props);
  }

  #dispatch({ uploads, uploadsPrefix, results, submission, settings, logRetention }: IngestProps): LambdaProgram {
    const environment = {
      IQPIR_UPLOADS_BUCKET: uploads.bucketName,
      IQPIR_UPLOADS_PREFIX: uploadsPrefix,
      IQPIR_RESULTS_BUCKET: results.bucketName,
      IQPIR_JOB_QUEUE: submission.jobQueueArn,
      IQPIR_JOB_DEFINITION: submission.jobDefinitionArn,
      IQPIR_SETTINGS: Stack.of(this).toJsonString(settings),
    } satisfies Record<keyof z.input<typeof DispatchEnv>, string>;
    const dispatch = new LambdaProgram(this, 'Dispatch', {
      program: 'dispatch',
      description: 'Groups uploads into manifests and submits their jobs',
      environment,
      timeout,
      logRetention,
    });
    // It never sees a picture: events name them, and the manifest is all it writes.
    mayWrite(dispatch.role, results, [bucketLayout.manifests]);
    maySubmit(dispatch.role, submission);
    dispatch.function.addEventSource(
      new SqsEventSource(this.queue, {
        batchSize,
        maxBatchingWindow: window,
        reportBatchItemFailures: true,
        maxConcurrency: 5,
      }),
    );
    return dispatch;
  }

  /** Whether a bucket of elsewhere sends its events shows at no synthesis; without them nothing is ever restored. */
  #warn({ bucketName }: IBucket): void {
    Annotations.of(this).addWarningV2(
      'iqpir-restore:eventsOfBucket',
      `The bucket ${bucketName} must send its events to EventBridge. Where it has no other notifications, which this would replace: aws s3api put-bucket-notification-configuration --bucket ${bucketName} --notification-configuration '{"EventBridgeConfiguration":{}}'`,
    );
  }
}
