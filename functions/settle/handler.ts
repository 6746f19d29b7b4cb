import type { Context } from 'aws-lambda';
import { z } from 'zod';
import { batchQueue } from '../lib/cloud/batch-queue.ts';
import { logLine } from '../lib/cloud/log.ts';
import { recordFollowers } from '../lib/cloud/record-followers.ts';
import type { SubmitJob } from '../lib/cloud/submit-job.ts';
import { JobEvent } from '../lib/contracts/job-event.ts';
import { awsLayout } from '../lib/contracts/keys.ts';
import { findInstallation } from '../lib/installation.ts';
import { openBuckets } from '../lib/storage/open-buckets.ts';
import { SettleEnv } from './config.ts';
import { settleFailedJob } from './failed-job.ts';
import type { SettleContext } from './settle.ts';
import { sweep } from './sweep.ts';

const SweepEvent = z.looseObject({ sweep: z.literal(true) });
const Event = z.union([SweepEvent, JobEvent]);

/** Built by the first invocation and kept for the next ones: connections stay open between them. */
let program: { context: SettleContext; submitJob: SubmitJob } | undefined;

/** A job that failed for good -> failed records for what it left open; by schedule, a sweep. What throws is delivered again. */
export async function handler(event: unknown, lambda: Pick<Context, 'getRemainingTimeInMillis'>): Promise<unknown> {
  program ??= open();
  const { context, submitJob } = program;
  const parsed = Event.parse(event);
  if (!('sweep' in parsed)) return settleFailedJob(parsed as JobEvent, context);
  return sweep({ ...context, submitJob, remaining: () => lambda.getRemainingTimeInMillis() });
}

function open(): { context: SettleContext; submitJob: SubmitJob } {
  const env = SettleEnv.parse(process.env);
  const bucket = env.IQPIR_RESULTS_BUCKET;
  const { results } = openBuckets({ results: bucket });
  const { name, version } = findInstallation();
  const context: SettleContext = {
    results,
    layout: awsLayout(env.IQPIR_UPLOADS_PREFIX),
    software: { name, version },
    followers: recordFollowers({ results, eventBus: env.IQPIR_EVENT_BUS }),
    log: logLine,
    now: () => new Date(),
  };
  const submitJob = batchQueue({ jobQueue: env.IQPIR_JOB_QUEUE, jobDefinition: env.IQPIR_JOB_DEFINITION, bucket });
  return { context, submitJob };
}
