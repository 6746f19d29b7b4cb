import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import { json } from 'node:stream/consumers';
import { z } from 'zod';
import type { Job } from './job.ts';
import type { JobDefinition } from './job-definition.ts';
import type { Jobs } from './jobs.ts';

export interface BatchEndpoint {
  /** http://127.0.0.1:<port>, for AWS_ENDPOINT_URL_BATCH */
  url: string;
  close(): Promise<void>;
}

export interface BatchBackend {
  jobs: Jobs;
  /** By ARN, by name and revision, or by name for its newest revision. */
  findDefinition(name: string): Promise<JobDefinition | undefined>;
  mischief?: Mischief;
}

/** What may befall a submission, for those who test against it. */
export interface Mischief {
  /** Whether the next request is refused as one too many. */
  throttles?(): boolean;
  /** Before the job is queued. */
  beforeSubmit?(parameters: Record<string, string>): Promise<void>;
  /** Whether it is queued twice, as where an answer was lost and the request made again. */
  doubles?(): boolean;
}

const SubmitJob = z.looseObject({
  jobName: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_-]{0,127}$/),
  jobQueue: z.string().min(1),
  jobDefinition: z.string().min(1),
  parameters: z.record(z.string(), z.string()).default({}),
  arrayProperties: z.looseObject({ size: z.int().min(2).max(10_000) }).optional(),
});
const Ids = z.looseObject({ jobs: z.array(z.string()).min(1).max(100) });
const ListJobs = z.looseObject({
  jobQueue: z.string().optional(),
  arrayJobId: z.string().optional(),
  jobStatus: z.string().default('RUNNING'),
  filters: z.array(z.looseObject({ name: z.string(), values: z.array(z.string()) })).optional(),
});
const Termination = z.looseObject({ jobId: z.string(), reason: z.string().min(1) });

/** SubmitJob takes no more than this, bytes. */
const largestSubmission = 30 * 1024;

class Refused extends Error {
  readonly status: number;

  constructor(name: string, message: string, status = 400) {
    super(message);
    this.name = name;
    this.status = status;
  }
}

/** The requests to Batch that this product makes, over HTTP as the SDK sends them. Definitions come from the stack. */
export async function serveBatch(backend: BatchBackend): Promise<BatchEndpoint> {
  const { jobs, mischief = {} } = backend;
  const operations: Record<string, (body: unknown, size: number) => unknown> = {
    '/v1/submitjob': async (body, size) => {
      if (mischief.throttles?.()) throw new Refused('TooManyRequestsException', 'Too Many Requests', 429);
      if (size > largestSubmission) throw new Refused('ClientException', `Request of ${size} bytes is too large`);
      const { jobDefinition, arrayProperties, ...job } = SubmitJob.parse(body);
      const definition = await backend.findDefinition(jobDefinition);
      if (!definition) throw new Refused('ClientException', `JobDefinition does not exist: ${jobDefinition}`);
      await mischief.beforeSubmit?.(job.parameters);
      const submission = { ...job, definition, arraySize: arrayProperties?.size };
      if (mischief.doubles?.()) jobs.submit(submission);
      const { jobId, jobArn, jobName } = jobs.submit(submission);
      return { jobId, jobArn, jobName };
    },
    '/v1/describejobs': (body) => ({ jobs: Ids.parse(body).jobs.flatMap((id) => jobs.find(id) ?? []) }),
    '/v1/listjobs': (body) => ({ jobSummaryList: list(jobs, ListJobs.parse(body)).map(summaryOf) }),
    '/v1/terminatejob': (body) => {
      const { jobId, reason } = Termination.parse(body);
      jobs.terminate(jobId, reason);
      return {};
    },
  };
  const answer = async (request: IncomingMessage): Promise<{ status: number; name?: string; body: unknown }> => {
    try {
      const operation = operations[request.url?.toLowerCase() ?? ''];
      if (!operation) throw new Refused('ClientException', `Not served here: ${request.url}`);
      const body = await json(request);
      return { status: 200, body: await operation(body, Number(request.headers['content-length'] ?? 0)) };
    } catch (error) {
      if (error instanceof Refused) return { status: error.status, name: error.name, body: { message: error.message } };
      const name = error instanceof z.ZodError ? 'ClientException' : 'ServerException';
      const status = error instanceof z.ZodError ? 400 : 500;
      return { status, name, body: { message: String(error) } };
    }
  };
  const server = createServer(async (request, response) => {
    const { status, name, body } = await answer(request);
    response.writeHead(status, { 'content-type': 'application/json', ...(name ? { 'x-amzn-errortype': name } : {}) });
    response.end(JSON.stringify(body));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (typeof address !== 'object' || address === null) throw new Error('Expected a port of this machine');
  return {
    url: `http://127.0.0.1:${address.port}`,
    async close() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close').catch(() => {});
    },
  };
}

function list(jobs: Jobs, { jobQueue, arrayJobId, jobStatus, filters }: z.infer<typeof ListJobs>): Job[] {
  const among = arrayJobId ? jobs.childrenOf(arrayJobId) : jobs.all().filter(({ jobId }) => !jobId.includes(':'));
  // Filters stand in place of a status.
  const names = filters?.filter(({ name }) => name === 'JOB_NAME').flatMap(({ values }) => values);
  return among.filter(
    (job) =>
      (!jobQueue || nameOf(job.jobQueue) === nameOf(jobQueue)) &&
      (filters ? (names ?? []).some((name) => glob(name, job.jobName)) : job.status === jobStatus),
  );
}

/** A queue may be told by its name or by its ARN. */
function nameOf(queue: string): string {
  return queue.split('/').at(-1) ?? queue;
}

function glob(pattern: string, text: string): boolean {
  return pattern.endsWith('*') ? text.startsWith(pattern.slice(0, -1)) : text.toLowerCase() === pattern.toLowerCase();
}

function summaryOf({ jobId, jobArn, jobName, status, statusReason, createdAt, startedAt, stoppedAt, container }: Job) {
  const exit = container && { exitCode: container.exitCode, reason: container.reason };
  return { jobId, jobArn, jobName, status, statusReason, createdAt, startedAt, stoppedAt, container: exit };
}
