import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import {
  BatchClient,
  DescribeJobsCommand,
  ListJobsCommand,
  SubmitJobCommand,
  TerminateJobCommand,
} from '@aws-sdk/client-batch';
import { afterEach, describe, expect, it } from 'vitest';
import { serveBatch } from '../../../support/aws/batch/endpoint.ts';
import type { Job } from '../../../support/aws/batch/job.ts';
import { JobDefinition } from '../../../support/aws/batch/job-definition.ts';
import { type Jobs, type Machines, runJobs } from '../../../support/aws/batch/jobs.ts';
import { isRetried } from '../../../support/aws/batch/retry-strategy.ts';
import { temporaryFolder } from '../../../support/temporary-folder.ts';

const arn = 'arn:aws:batch:us-east-1:000000000000:job-definition/restore:3';
const retryStrategy = {
  attempts: 3,
  evaluateOnExit: [
    { onStatusReason: 'Host EC2*', action: 'RETRY' },
    { onExitCode: '75', action: 'RETRY' },
    { onReason: '*', action: 'EXIT' },
  ],
};

let ended: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of ended) await end();
  ended = [];
});

interface Running {
  client: BatchClient;
  jobs: Jobs;
  /** Every state a job went through, with what it was then. */
  changes: Job[];
  output: () => string;
}

/** A Batch whose one definition runs a line of JavaScript. */
async function batchRunning(script: string, machines: Partial<Machines> = {}, timeout?: number): Promise<Running> {
  const definition = JobDefinition.parse({
    jobDefinitionName: 'restore',
    jobDefinitionArn: arn,
    parameters: { manifest: 'the default' },
    retryStrategy,
    timeout: timeout && { attemptDurationSeconds: timeout },
    containerProperties: {
      command: [process.execPath, '-e', script, 'Ref::manifest'],
      environment: [{ name: 'OF_THE_DEFINITION', value: 'set' }],
    },
  });
  const changes: Job[] = [];
  let text = '';
  const jobs = runJobs(
    {
      root: process.cwd(),
      slots: 2,
      environment: () => ({ OF_THE_MACHINE: 'set' }),
      onOutput: (_job, said) => {
        text += said;
      },
      ...machines,
    },
    (job) => changes.push(structuredClone(job)),
  );
  const endpoint = await serveBatch({
    jobs,
    findDefinition: async (name) => (name === arn ? definition : undefined),
  });
  const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };
  const client = new BatchClient({ endpoint: endpoint.url, region: 'us-east-1', credentials, maxAttempts: 1 });
  ended.push(async () => {
    client.destroy();
    await endpoint.close();
  });
  return { client, jobs, changes, output: () => text };
}

function submit({ client }: Running, size?: number, manifest?: string) {
  const parameters = manifest === undefined ? undefined : { manifest };
  const arrayProperties = size === undefined ? undefined : { size };
  return client.send(
    new SubmitJobCommand({ jobName: 'a-job', jobQueue: 'queue', jobDefinition: arn, parameters, arrayProperties }),
  );
}

async function describeJob({ client }: Running, jobId: string) {
  const { jobs = [] } = await client.send(new DescribeJobsCommand({ jobs: [jobId] }));
  return jobs[0];
}

describe('the Batch endpoint', () => {
  it('runs the command with the parameters in it and the environment that Batch gives', async () => {
    const batch = await batchRunning(
      'const e = process.env; console.log(process.argv[1], e.OF_THE_DEFINITION, e.OF_THE_MACHINE, e.AWS_BATCH_JOB_ATTEMPT, e.AWS_BATCH_JOB_ARRAY_INDEX, e.HOME)',
    );
    const { jobId = '' } = await submit(batch, undefined, 's3://results/manifests/m.json');
    await batch.jobs.idle();
    expect(batch.output()).toBe('s3://results/manifests/m.json set set 1 undefined undefined\n');
    expect(await describeJob(batch, jobId)).toMatchObject({ status: 'SUCCEEDED', container: { exitCode: 0 } });
    await submit(batch);
    await batch.jobs.idle();
    expect(batch.output()).toContain('the default set');
  });

  it('runs a process for each child of an array job, no more at a time than there are slots', async () => {
    const folder = await temporaryFolder();
    ended.push(folder.dispose);
    const noted = join(folder.path, 'lines');
    // The first one waits for the second, so that two at a time do not depend on how fast processes start.
    const script = `
      const { appendFileSync, readFileSync } = require('node:fs');
      const note = (line) => appendFileSync(process.env.NOTED, line + '\\n');
      note('start');
      const timer = setInterval(() => {
        if (readFileSync(process.env.NOTED, 'utf8').split('start').length < 3) return;
        clearInterval(timer);
        note('end ' + process.env.AWS_BATCH_JOB_ARRAY_INDEX);
      }, 5);`;
    const batch = await batchRunning(script, { environment: () => ({ NOTED: noted }) });
    const { jobId = '' } = await submit(batch, 5);
    await batch.jobs.idle();
    const lines = (await readFile(noted, 'utf8')).trim().split('\n');
    let running = 0;
    const most = Math.max(...lines.map((line) => (line === 'start' ? ++running : running--)));
    expect(most).toBe(2);
    expect(lines.filter((line) => line !== 'start').sort()).toEqual([0, 1, 2, 3, 4].map((index) => `end ${index}`));
    expect(await describeJob(batch, jobId)).toMatchObject({
      status: 'SUCCEEDED',
      arrayProperties: { size: 5, statusSummary: { SUCCEEDED: 5 } },
    });
    const children = await batch.client.send(new ListJobsCommand({ arrayJobId: jobId, jobStatus: 'SUCCEEDED' }));
    expect(children.jobSummaryList?.map((child) => child.jobId)).toContain(`${jobId}:4`);
  });

  it('tells every state of children and parent, with parameters, index, exit code and attempts', async () => {
    const batch = await batchRunning('process.exit(Number(process.env.AWS_BATCH_JOB_ARRAY_INDEX) * 2)');
    const { jobId = '' } = await submit(batch, 2, 's3://r/m.json');
    await batch.jobs.idle();
    const of = (id: string) => batch.changes.filter((job) => job.jobId === id);
    expect(of(`${jobId}:0`).map(({ status }) => status)).toEqual(['RUNNABLE', 'STARTING', 'RUNNING', 'SUCCEEDED']);
    expect(of(jobId).map(({ status }) => status)).toEqual(['SUBMITTED', 'PENDING', 'FAILED']);
    expect(of(`${jobId}:1`).at(-1)).toMatchObject({
      status: 'FAILED',
      statusReason: 'Essential container in task exited',
      parameters: { manifest: 's3://r/m.json' },
      arrayProperties: { index: 1 },
      container: { exitCode: 2 },
      attempts: [{ container: { exitCode: 2 }, statusReason: 'Essential container in task exited' }],
    });
    expect(of(jobId).at(-1)).toMatchObject({
      statusReason: 'Array Child Job failed',
      arrayProperties: { size: 2, statusSummary: { SUCCEEDED: 1, FAILED: 1 } },
    });
  });

  it('tries again what its strategy says, as often as it says', async () => {
    const batch = await batchRunning('console.log(process.env.AWS_BATCH_JOB_ATTEMPT); process.exit(75)');
    const { jobId = '' } = await submit(batch);
    await batch.jobs.idle();
    expect(batch.output()).toBe('1\n2\n3\n');
    const job = await describeJob(batch, jobId);
    expect(job).toMatchObject({ status: 'FAILED', container: { exitCode: 75 } });
    expect(job?.attempts).toHaveLength(3);
  });

  it('tells a lost machine from a container that was killed', async () => {
    const script = 'process.env.AWS_BATCH_JOB_ATTEMPT === "1" && process.kill(process.pid, "SIGKILL")';
    const killed = await batchRunning(script);
    const { jobId = '' } = await submit(killed);
    await killed.jobs.idle();
    expect(await describeJob(killed, jobId)).toMatchObject({ status: 'FAILED', container: { exitCode: 137 } });
    const lost = await batchRunning(script, {
      exitOf: async (_job, { exitCode }) =>
        exitCode === 137 ? { statusReason: 'Host EC2 (instance i-1) gone.' } : undefined,
    });
    const again = await submit(lost);
    await lost.jobs.idle();
    expect(await describeJob(lost, again.jobId ?? '')).toMatchObject({ status: 'SUCCEEDED', attempts: [{}, {}] });
  });

  it('ends what runs out of time, first kindly, and never tries it again', async () => {
    const stubborn = 'process.on("SIGTERM", () => console.log("asked")); setInterval(() => {}, 1000)';
    const batch = await batchRunning(stubborn, { grace: 200 }, 4);
    const { jobId = '' } = await submit(batch);
    await batch.jobs.idle();
    expect(batch.output()).toBe('asked\n');
    expect(await describeJob(batch, jobId)).toMatchObject({
      status: 'FAILED',
      statusReason: 'Job attempt duration exceeded timeout',
      attempts: [{ container: { exitCode: 137 } }],
    });
  });

  it('terminates an array job: children at work and children that wait', async () => {
    const batch = await batchRunning('console.log("started"); setInterval(() => {}, 1000)');
    const { jobId = '' } = await submit(batch, 4);
    while (batch.output().split('started').length < 3) await pause(20);
    await batch.client.send(new TerminateJobCommand({ jobId, reason: 'No longer wanted' }));
    await batch.jobs.idle();
    expect(batch.output()).toBe('started\nstarted\n');
    expect(batch.jobs.childrenOf(jobId).map(({ statusReason }) => statusReason)).toEqual(
      Array.from({ length: 4 }, () => 'No longer wanted'),
    );
  });

  it('refuses what Batch refuses', async () => {
    const batch = await batchRunning('');
    const job = { jobName: 'a-job', jobQueue: 'queue', jobDefinition: arn };
    const refused = (changes: object) =>
      expect(batch.client.send(new SubmitJobCommand({ ...job, ...changes }))).rejects;
    await refused({ jobName: 'a/job' }).toThrow(/jobName/);
    await refused({ jobDefinition: 'unknown' }).toThrow('JobDefinition does not exist: unknown');
    await refused({ arrayProperties: { size: 1 } }).toThrow(/size/);
    await refused({ parameters: { manifest: 'm'.repeat(31_000) } }).toThrow(/too large/);
    expect(batch.jobs.all()).toEqual([]);
  });
});

describe('a retry strategy', () => {
  const strategy = JobDefinition.shape.retryStrategy.parse(retryStrategy);

  it('is decided by the first rule that an exit meets', () => {
    expect(isRetried(strategy, 1, { exitCode: 2, statusReason: 'Essential container in task exited' })).toBe(false);
    expect(isRetried(strategy, 1, { exitCode: 75, statusReason: 'Essential container in task exited' })).toBe(true);
    expect(isRetried(strategy, 1, { statusReason: 'Host EC2 (instance i-1) terminated.' })).toBe(true);
    expect(isRetried(strategy, 3, { exitCode: 75, statusReason: 'Essential container in task exited' })).toBe(false);
  });

  it('without rules retries every exit', () => {
    const { retryStrategy: bare } = JobDefinition.pick({ retryStrategy: true }).parse({
      retryStrategy: { attempts: 2 },
    });
    expect(isRetried(bare, 1, { exitCode: 2, statusReason: 'x' })).toBe(true);
    expect(isRetried(bare, 2, { exitCode: 2, statusReason: 'x' })).toBe(false);
  });
});
