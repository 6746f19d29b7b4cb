import { Duration } from 'aws-cdk-lib';
import { type IEventBus, Rule, RuleTargetInput, Schedule } from 'aws-cdk-lib/aws-events';
import { LambdaFunction } from 'aws-cdk-lib/aws-events-targets';
import { SqsDestination } from 'aws-cdk-lib/aws-lambda-destinations';
import type { RetentionDays } from 'aws-cdk-lib/aws-logs';
import type { IBucket } from 'aws-cdk-lib/aws-s3';
import type { Queue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import type { z } from 'zod';
import { bucketLayout, rowsPrefix } from '../../functions/lib/contracts/keys.ts';
import type { SettleEnv } from '../../functions/settle/config.ts';
import { LambdaProgram } from './lambda-program.ts';
import { mayDelete, mayList, mayRead, mayWrite } from './permissions.ts';
import { deadLetters } from './queues.ts';
import { maySubmit, type Submission } from './submission.ts';

export interface SettlementProps {
  readonly uploads: IBucket;
  readonly uploadsPrefix: string;
  readonly results: IBucket;
  readonly eventBus?: IEventBus;
  readonly submission: Submission;
  readonly logRetention: RetentionDays;
}

/** A sweep reads the manifests of days; what it does not reach, the next one does. */
const timeout = Duration.minutes(15);

/** A job that failed for good -> failed records for what it left open; and once a day a look at what was left by all. */
export class Settlement extends Construct {
  /** Matches every job, child and parent, that failed for good. */
  readonly failedRule: Rule;
  readonly sweepRule: Rule;
  /** Events that the function did not take, or gave up on. */
  readonly undelivered: Queue;
  readonly settle: LambdaProgram;

  constructor(scope: Construct, id: string, props: SettlementProps) {
    super(scope, id);
    this.undelivered = deadLetters(this, 'Undelivered');
    this.settle = this.#settle(props);
    const delivery = { deadLetterQueue: this.undelivered, retryAttempts: 185, maxEventAge: Duration.hours(24) };
    this.failedRule = new Rule(this, 'FailedRule', {
      description: 'Restoration jobs that failed for good',
      eventPattern: {
        source: ['aws.batch'],
        detailType: ['Batch Job State Change'],
        detail: { status: ['FAILED'], jobQueue: [props.submission.jobQueueArn] },
      },
      targets: [new LambdaFunction(this.settle.function, delivery)],
    });
    this.sweepRule = new Rule(this, 'SweepRule', {
      description: 'Looks for uploads that were accepted and never settled',
      schedule: Schedule.rate(Duration.days(1)),
      targets: [
        new LambdaFunction(this.settle.function, { ...delivery, event: RuleTargetInput.fromObject({ sweep: true }) }),
      ],
    });
  }

  #settle({ uploads, uploadsPrefix, results, eventBus, submission, logRetention }: SettlementProps): LambdaProgram {
    const environment = {
      IQPIR_UPLOADS_BUCKET: uploads.bucketName,
      IQPIR_UPLOADS_PREFIX: uploadsPrefix,
      IQPIR_RESULTS_BUCKET: results.bucketName,
      IQPIR_JOB_QUEUE: submission.jobQueueArn,
      IQPIR_JOB_DEFINITION: submission.jobDefinitionArn,
      ...(eventBus ? { IQPIR_EVENT_BUS: eventBus.eventBusName } : {}),
    } satisfies { [Name in keyof z.input<typeof SettleEnv>]: string };
    const settle = new LambdaProgram(this, 'Settle', {
      program: 'settle',
      description: 'Writes the failed records of jobs that failed for good, and sweeps',
      environment,
      timeout,
      logRetention,
    });
    settle.function.configureAsyncInvoke({
      retryAttempts: 2,
      maxEventAge: Duration.hours(6),
      onFailure: new SqsDestination(this.undelivered),
    });
    mayList(settle.role, results);
    mayRead(settle.role, results, [bucketLayout.manifests, bucketLayout.records, bucketLayout.results]);
    // The sweep puts a manifest over what it finds open, and how far it came.
    mayWrite(settle.role, results, [bucketLayout.manifests, bucketLayout.records, rowsPrefix]);
    // A result whose record never came belongs to nobody.
    mayDelete(settle.role, results, [bucketLayout.results]);
    maySubmit(settle.role, submission);
    eventBus?.grantPutEventsTo(settle.role);
    return settle;
  }
}
