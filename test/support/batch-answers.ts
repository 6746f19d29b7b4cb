import { once } from 'node:events';
import { createServer } from 'node:http';
import { json } from 'node:stream/consumers';

export interface Submitted {
  jobName: string;
  jobQueue: string;
  jobDefinition: string;
  parameters: Record<string, string>;
  arrayProperties?: { size: number };
}

/**
 * Takes jobs and tells of them as AWS Batch does over HTTP, and runs none of them: for what only submits or asks.
 * test/support/aws/batch runs them.
 */
export async function startBatchAnswers(): Promise<{ endpoint: string; jobs: Submitted[]; stop: () => Promise<void> }> {
  const jobs: Submitted[] = [];
  const id = (index: number) => `job-${index}`;
  const answers: Record<string, (body: never) => unknown> = {
    '/v1/submitjob': (job: Submitted) => {
      jobs.push(job);
      return { jobId: id(jobs.length - 1), jobName: job.jobName, jobArn: `arn:aws:batch:::job/${id(jobs.length - 1)}` };
    },
    '/v1/listjobs': ({ filters }: { filters: { values: string[] }[] }) => ({
      jobSummaryList: jobs
        .map(({ jobName }, index) => ({ jobId: id(index), jobName, createdAt: index, status: 'PENDING' }))
        .filter(({ jobName }) => filters[0]?.values.includes(jobName)),
    }),
    '/v1/describejobs': ({ jobs: [jobId = ''] }: { jobs: string[] }) => ({
      jobs: [{ jobId, status: 'RUNNABLE', statusReason: 'waits for a machine', attempts: [{}] }],
    }),
  };
  const server = createServer(async (request, response) => {
    const answer = answers[request.url ?? ''];
    const body = (await json(request)) as never;
    response.writeHead(answer ? 200 : 404, { 'content-type': 'application/json' });
    response.end(JSON.stringify(answer?.(body) ?? {}));
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const address = server.address();
  if (typeof address !== 'object' || !address) throw new Error('Expected a port of this machine');
  const stop = async () => {
    server.closeAllConnections();
    await once(server.close(), 'close');
  };
  return { endpoint: `http://127.0.0.1:${address.port}`, jobs, stop };
}
