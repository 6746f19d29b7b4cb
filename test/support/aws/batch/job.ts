import type { JobDefinition } from './job-definition.ts';
import type { Exit } from './retry-strategy.ts';

export const statuses = ['SUBMITTED', 'PENDING', 'RUNNABLE', 'STARTING', 'RUNNING', 'SUCCEEDED', 'FAILED'] as const;
export type JobStatus = (typeof statuses)[number];

export interface Attempt {
  container: { exitCode?: number; reason?: string; taskArn: string; logStreamName: string };
  /** ms since 1970 */
  startedAt: number;
  stoppedAt: number;
  statusReason: string;
}

/** A job as DescribeJobs tells it and as its state change events carry it; a child of an array job is one, too. */
export interface Job {
  jobId: string;
  jobArn: string;
  jobName: string;
  jobQueue: string;
  jobDefinition: string;
  status: JobStatus;
  statusReason?: string;
  createdAt: number;
  startedAt?: number;
  stoppedAt?: number;
  attempts: Attempt[];
  retryStrategy: JobDefinition['retryStrategy'];
  timeout?: JobDefinition['timeout'];
  parameters: Record<string, string>;
  dependsOn: [];
  /** Of an array job its size, of one of its children the index. */
  arrayProperties?: { size: number; statusSummary: Record<string, number> } | { index: number };
  container?: {
    image?: string;
    command: string[];
    environment: { name: string; value: string }[];
    exitCode?: number;
    reason?: string;
    logStreamName?: string;
  };
  tags: Record<string, string>;
  propagateTags: boolean;
  platformCapabilities: string[];
}

export function isOver({ status }: Job): boolean {
  return status === 'SUCCEEDED' || status === 'FAILED';
}

/** Adds an attempt that has ended; its exit becomes the container's. */
export function addAttempt(job: Job, startedAt: number, { exitCode, reason, statusReason }: Exit): void {
  const number = job.attempts.length + 1;
  const logStreamName = `${job.jobName}/default/${job.jobId.replace(':', '-')}-${number}`;
  job.attempts.push({
    container: { exitCode, reason, taskArn: `${job.jobArn.replace(':batch:', ':ecs:')}-${number}`, logStreamName },
    startedAt,
    stoppedAt: Date.now(),
    statusReason,
  });
  if (job.container) Object.assign(job.container, { exitCode, reason, logStreamName });
}
