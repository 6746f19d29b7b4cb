import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { batchQueue } from '../../../../functions/lib/cloud/batch-queue.ts';
import { expectCode } from '../../../support/store-under-test.ts';

const closers: (() => void)[] = [];
afterEach(() => {
  vi.unstubAllEnvs();
  for (const close of closers.splice(0)) close();
});

/** Batch as it speaks over the wire. */
async function batchThatAnswers(answer: (response: ServerResponse, request: number) => void) {
  const requests: { path: string | undefined; body: Record<string, unknown> }[] = [];
  const server = createServer(async (request, response) => {
    requests.push({ path: request.url, body: JSON.parse(await text(request)) });
    answer(response, requests.length);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : undefined;
  closers.push(() => {
    server.closeAllConnections();
    server.close();
  });
  vi.stubEnv('AWS_ENDPOINT_URL_BATCH', `http://127.0.0.1:${port}`);
  vi.stubEnv('AWS_REGION', 'eu-central-1');
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'test');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'test');
  return requests;
}

const taken = (response: ServerResponse) => response.end(JSON.stringify({ jobId: 'j', jobName: 'n' }));
const refused = (status: number, type: string) => (response: ServerResponse) => {
  response.writeHead(status, { 'x-amzn-errortype': type });
  response.end(JSON.stringify({ message: type }));
};
const queue = { jobQueue: 'queue', jobDefinition: 'definition:7', bucket: 'results' };
const job = { manifestKey: 'manifests/2026-11-23/ab.json', hash: 'ab'.repeat(32), shares: 3, manifestVersion: 'v1' };

describe('batchQueue', () => {
  it('submits an array job that names its manifest, and a single one for a single share', async () => {
    const requests = await batchThatAnswers(taken);
    const submitJob = batchQueue(queue);
    await submitJob(job);
    await submitJob({ ...job, shares: 1, manifestVersion: undefined });
    const name = { jobName: `iqpir-${'ab'.repeat(16)}`, jobQueue: 'queue', jobDefinition: 'definition:7' };
    const manifest = 's3://results/manifests/2026-11-23/ab.json';
    expect(requests.map(({ path }) => path)).toEqual(['/v1/submitjob', '/v1/submitjob']);
    expect(requests.map(({ body }) => body)).toEqual([
      { ...name, parameters: { manifest, manifestVersion: 'v1' }, arrayProperties: { size: 3 } },
      { ...name, parameters: { manifest } },
    ]);
  });

  it('waits and tries again where it is throttled', async () => {
    const throttled = refused(429, 'TooManyRequestsException');
    const requests = await batchThatAnswers((response, request) => (request < 3 ? throttled : taken)(response));
    await batchQueue(queue)(job);
    expect(requests).toHaveLength(3);
  });

  it('gives up within a Lambda’s time where throttling does not end', { timeout: 50_000 }, async () => {
    const requests = await batchThatAnswers(refused(429, 'TooManyRequestsException'));
    const start = performance.now();
    await expectCode(batchQueue(queue)(job), 'store-unavailable');
    expect(requests).toHaveLength(5);
    expect(performance.now() - start).toBeLessThan(40_000);
  });

  it('says what to check where Batch refuses', async () => {
    const requests = await batchThatAnswers(refused(400, 'ClientException'));
    const error = await expectCode(batchQueue(queue)(job), 'invalid-configuration');
    expect(error.message).toMatch(/queue/);
    expect(requests).toHaveLength(1);
  });
});
