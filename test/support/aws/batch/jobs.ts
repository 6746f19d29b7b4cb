import { randomUUID } from 'node:crypto';
import pLimit from 'p-limit';
import { addAttempt, isOver, type Job, type JobStatus } from './job.ts';
import { commandOf, type JobDefinition } from './job-definition.ts';
import { type Exit, isRetried } from './retry-strategy.ts';
import { type Ended, runContainer } from './run-container.ts';

export interface Submission {
  jobName: string;
  jobQueue: string;
  definition: JobDefinition;
  parameters: Record<string, string>;
  arraySize?: number | undefined;
}

export interface Machines {
  /** The image's working directory on this machine. */
  root: string;
  /** Containers at a time. */
  slots: number;
  /** What a container finds in its environment besides what its definition says: region, endpoints, its role's credentials. */
  environment: (definition: JobDefinition) => Record<string, string>;
  /** The command in place of the definition's; left out, the definition's. */
  command?: (command: string[], job: Job) => string[];
  /** What Batch would say of an end; undefined says what it says of a container that ended by itself. */
  exitOf?: (job: Job, ended: Ended) => Promise<Exit | undefined>;
  /** ms between SIGTERM and SIGKILL. */
  grace?: number;
  onOutput?: (job: Job, text: string) => void;
}

export interface Jobs {
  submit(submission: Submission): Job;
  find(jobId: string): Job | undefined;
  all(): Job[];
  childrenOf(jobId: string): Job[];
  terminate(jobId: string, reason: string): void;
  /** Resolves when no job is queued or running. */
  idle(): Promise<void>;
}

/** The jobs of all queues, run as processes of this machine in the order in which they came. */
export function runJobs(machines: Machines, onChange: (job: Job) => void): Jobs {
  const jobs = new Map<string, Job>();
  const stops = new Map<string, AbortController>();
  const slots = pLimit(machines.slots);
  const working = new Set<Promise<void>>();

  const change = (job: Job, status: JobStatus, statusReason?: string): void => {
    Object.assign(job, { status, statusReason });
    if (status === 'RUNNING') job.startedAt ??= Date.now();
    if (isOver(job)) job.stoppedAt = Date.now();
    onChange(job);
  };

  const runAttempt = async (job: Job, definition: JobDefinition, stop: AbortSignal): Promise<boolean> => {
    const startedAt = Date.now();
    const index = job.arrayProperties && 'index' in job.arrayProperties ? job.arrayProperties.index : undefined;
    const command = commandOf(definition, job.parameters);
    const ended = await runContainer({
      command: machines.command?.(command, job) ?? command,
      cwd: machines.root,
      env: {
        ...Object.fromEntries(definition.containerProperties.environment.map(({ name, value }) => [name, value])),
        ...machines.environment(definition),
        AWS_BATCH_JOB_ID: job.jobId,
        AWS_BATCH_JOB_ATTEMPT: `${job.attempts.length + 1}`,
        AWS_BATCH_JQ_NAME: job.jobQueue.split('/').at(-1) ?? '',
        ...(index === undefined ? {} : { AWS_BATCH_JOB_ARRAY_INDEX: `${index}` }),
      },
      timeout: definition.timeout?.attemptDurationSeconds,
      terminated: stop,
      grace: machines.grace ?? 30_000,
      onOutput: (text) => machines.onOutput?.(job, text),
    });
    const exit = (await machines.exitOf?.(job, ended)) ?? usualExit(ended);
    addAttempt(job, startedAt, exit);
    if (ended.cause === 'itself' && exit.exitCode === 0) {
      change(job, 'SUCCEEDED', exit.statusReason);
      return false;
    }
    // Neither a job that ran out of time nor one that was terminated is ever tried again.
    if (ended.cause === 'itself' && isRetried(job.retryStrategy, job.attempts.length, exit)) {
      change(job, 'RUNNABLE');
      return true;
    }
    change(job, 'FAILED', exit.statusReason);
    return false;
  };

  const run = async (job: Job, definition: JobDefinition, stop: AbortSignal): Promise<void> => {
    change(job, 'RUNNABLE');
    let again = true;
    while (again) {
      again = await slots(async () => {
        if (stop.aborted) {
          change(job, 'FAILED', String(stop.reason));
          return false;
        }
        change(job, 'STARTING');
        change(job, 'RUNNING');
        return runAttempt(job, definition, stop);
      });
    }
  };

  const start = (job: Job, definition: JobDefinition): Promise<void> => {
    const stop = new AbortController();
    stops.set(job.jobId, stop);
    return run(job, definition, stop.signal);
  };

  const track = (work: Promise<void>): void => {
    working.add(work);
    work.finally(() => working.delete(work)).catch(() => {});
  };

  const childrenOf = (jobId: string): Job[] => [...jobs.values()].filter((job) => job.jobId.startsWith(`${jobId}:`));

  return {
    submit(submission) {
      const { arraySize, definition } = submission;
      const job = newJob(submission, randomUUID());
      jobs.set(job.jobId, job);
      change(job, 'SUBMITTED');
      if (arraySize === undefined) {
        track(start(job, definition));
        return job;
      }
      const children = Array.from({ length: arraySize }, (_, index) => {
        const child = { ...newJob(submission, `${job.jobId}:${index}`), arrayProperties: { index } };
        jobs.set(child.jobId, child);
        return child;
      });
      change(job, 'PENDING');
      const all = children.map((child) => start(child, definition));
      track(
        Promise.all(all).then(() => {
          const failed = children.some(({ status }) => status === 'FAILED');
          const statusSummary: Record<string, number> = {};
          for (const { status } of children) statusSummary[status] = (statusSummary[status] ?? 0) + 1;
          job.arrayProperties = { size: arraySize, statusSummary };
          change(job, failed ? 'FAILED' : 'SUCCEEDED', failed ? 'Array Child Job failed' : undefined);
        }),
      );
      return job;
    },
    find: (jobId) => jobs.get(jobId),
    all: () => [...jobs.values()],
    childrenOf,
    terminate(jobId, reason) {
      for (const { jobId: id } of [{ jobId }, ...childrenOf(jobId)]) stops.get(id)?.abort(reason);
    },
    async idle() {
      while (working.size > 0) await Promise.all(working);
    },
  };
}

function newJob({ jobName, jobQueue, definition, parameters, arraySize }: Submission, jobId: string): Job {
  const { containerProperties, jobDefinitionArn, retryStrategy, timeout } = definition;
  const [partition, region, account] = [1, 3, 4].map((part) => jobDefinitionArn.split(':')[part]);
  const { image, environment } = containerProperties;
  return {
    jobId,
    jobArn: `arn:${partition}:batch:${region}:${account}:job/${jobId}`,
    jobName,
    jobQueue,
    jobDefinition: jobDefinitionArn,
    status: 'SUBMITTED',
    createdAt: Date.now(),
    attempts: [],
    retryStrategy,
    timeout,
    parameters,
    dependsOn: [],
    arrayProperties: arraySize === undefined ? undefined : { size: arraySize, statusSummary: {} },
    container: { image, command: commandOf(definition, parameters), environment },
    tags: {},
    propagateTags: false,
    platformCapabilities: [],
  };
}

function usualExit({ exitCode, cause, message }: Ended): Exit {
  if (cause === 'terminated') return { exitCode, statusReason: message ?? 'Terminated' };
  if (cause === 'timeout') return { exitCode, statusReason: 'Job attempt duration exceeded timeout' };
  return { exitCode, statusReason: 'Essential container in task exited' };
}
