import type { SQSBatchResponse, SQSEvent } from 'aws-lambda';
import { batchQueue } from '../lib/cloud/batch-queue.ts';
import { logLine } from '../lib/cloud/log.ts';
import { awsLayout } from '../lib/contracts/keys.ts';
import { openBuckets } from '../lib/storage/open-buckets.ts';
import { DispatchEnv } from './config.ts';
import { dispatchMessages, type MessagesContext } from './messages.ts';

/** Built by the first invocation and kept for the next ones: connections stay open between them. */
let context: MessagesContext | undefined;

/** SQS messages with EventBridge's object-created events -> one manifest -> one job. */
export async function handler(event: SQSEvent): Promise<SQSBatchResponse> {
  context ??= open();
  const handedBack = await dispatchMessages(event.Records, context);
  return { batchItemFailures: handedBack.map((itemIdentifier) => ({ itemIdentifier })) };
}

function open(): MessagesContext {
  const env = DispatchEnv.parse(process.env);
  const bucket = env.IQPIR_RESULTS_BUCKET;
  return {
    settings: env.IQPIR_SETTINGS,
    overwrite: false,
    store: openBuckets({ results: bucket }).results,
    layout: awsLayout(env.IQPIR_UPLOADS_PREFIX),
    buckets: { uploads: env.IQPIR_UPLOADS_BUCKET, results: bucket },
    submitJob: batchQueue({ jobQueue: env.IQPIR_JOB_QUEUE, jobDefinition: env.IQPIR_JOB_DEFINITION, bucket }),
    log: logLine,
  };
}
