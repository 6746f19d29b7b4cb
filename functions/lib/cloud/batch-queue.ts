import { BatchClient, DescribeJobsCommand, ListJobsCommand, SubmitJobCommand } from '@aws-sdk/client-batch';
import { RestorationError } from '../contracts/errors.ts';
import type { Job, JobStatus, SubmitJob } from './submit-job.ts';

/**
 * SubmitJob is throttled at 50 a second and account. Five attempts wait up to 0.5, 1, 2 and 4 s between them, and each may
 * take 5 s: 33 s at most, inside the minute that a Lambda here has at least.
 */
const patience = {
  retryMode: 'standard',
  maxAttempts: 5,
  requestHandler: { connectionTimeout: 3_000, requestTimeout: 5_000, throwOnRequestTimeout: true },
} as const;

export interface BatchQueue {
  jobQueue: string;
  /** With its revision. */
  jobDefinition: string;
  /** Where the manifests lie. */
  bucket: string;
}

/** @returns the port to AWS Batch; its errors are `store-unavailable` where waiting may help, else `invalid-configuration` */
export function batchQueue({ jobQueue, jobDefinition, bucket }: BatchQueue): SubmitJob {
  const client = new BatchClient({ ...patience });
  return async (job) => {
    const command = new SubmitJobCommand({
      jobName: jobNameOf(job),
      jobQueue,
      jobDefinition,
      parameters: {
        manifest: `s3://${bucket}/${job.manifestKey}`,
        ...(job.manifestVersion ? { manifestVersion: job.manifestVersion } : {}),
      },
      // An array has 2 children at least.
      ...(job.shares > 1 ? { arrayProperties: { size: job.shares } } : {}),
    });
    try {
      await client.send(command);
    } catch (cause) {
      throw batchError(cause, jobQueue);
    }
  };
}

/**
 * Finds the newest job over a manifest, and of an array the child of one share. Batch forgets jobs a week after their end.
 * @returns undefined where Batch knows none
 */
export async function findJob(
  jobQueue: string,
  { hash, share, shares }: Pick<Job, 'hash' | 'shares'> & { share: number },
): Promise<JobStatus | undefined> {
  const client = new BatchClient({ ...patience });
  try {
    const filters = [{ name: 'JOB_NAME', values: [jobNameOf({ hash })] }];
    const { jobSummaryList = [] } = await client.send(new ListJobsCommand({ jobQueue, filters }));
    const [newest] = jobSummaryList.sort((a, b) => (b.createdAt ?? 0) - (a.createdAt ?? 0));
    if (!newest?.jobId) return undefined;
    const id = shares > 1 ? `${newest.jobId}:${share}` : newest.jobId;
    const { jobs = [] } = await client.send(new DescribeJobsCommand({ jobs: [id] }));
    const { status = newest.status ?? 'UNKNOWN', statusReason, attempts, container } = jobs[0] ?? {};
    return { id, status, reason: statusReason, attempts: attempts?.length ?? 0, logStream: container?.logStreamName };
  } catch (cause) {
    throw batchError(cause, jobQueue);
  } finally {
    client.destroy();
  }
}

/** 128 letters, digits, `-` and `_` at most: an upload's key would not do. */
export function jobNameOf({ hash }: Pick<Job, 'hash'>): string {
  return `iqpir-${hash.slice(0, 32)}`;
}

function batchError(cause: unknown, jobQueue: string): RestorationError {
  const { name, message } = cause instanceof Error ? cause : { name: 'Error', message: String(cause) };
  const refused = ['ClientException', 'AccessDeniedException', 'UnrecognizedClientException'].includes(name);
  const advice = refused ? 'Check the queue, the job definition and the role.' : 'Try again later.';
  return new RestorationError(
    refused ? 'invalid-configuration' : 'store-unavailable',
    `Expected Batch to answer for ${jobQueue}, but it said ${name}: ${message}. ${advice}`,
    { cause },
  );
}
