import { once } from 'node:events';
import { Agent, createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import { random as randomOf } from '../../generated-pictures.ts';

/** How a store fails: it is too busy, it is slow, it ends an answer in the middle, or the answer to what it did is lost. */
export const faults = ['busy', 'slow', 'cut', 'answer lost'] as const;
export type Fault = (typeof faults)[number];

export interface FaultyProxy {
  /** http://127.0.0.1:<port>, for AWS_ENDPOINT_URL_S3 */
  url: string;
  counts: Record<Fault, number> & { requests: number };
  close(): Promise<void>;
}

/** ms; an SDK gives up on a silent connection after 30 s. */
const slowest = 1500;

/**
 * Stands between the programs and a store and lets every so many requests fail.
 * @param share of requests that meet each fault, 0 to 1
 */
export async function startFaultyProxy(
  target: () => string | undefined,
  share: number,
  seed: number,
): Promise<FaultyProxy> {
  const random = randomOf(seed);
  const agent = new Agent({ keepAlive: true, maxSockets: 64 });
  const counts = { requests: 0, busy: 0, slow: 0, cut: 0, 'answer lost': 0 };

  const answer = async (incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> => {
    counts.requests++;
    const fault = faults[Math.floor(random() / share)];
    if (fault) counts[fault]++;
    if (fault === 'busy') {
      incoming.resume();
      outgoing.writeHead(503, { 'content-type': 'application/xml' });
      outgoing.end(
        '<?xml version="1.0"?><Error><Code>SlowDown</Code><Message>Reduce your request rate.</Message></Error>',
      );
      return;
    }
    if (fault === 'slow') await pause(random() * slowest);
    const { hostname, port } = new URL(target() ?? '');
    const { method, url: path, headers } = incoming;
    const onward = request({ hostname, port, method, path, headers, agent });
    incoming.pipe(onward);
    const [reply] = (await once(onward, 'response')) as [IncomingMessage];
    if (fault === 'answer lost') {
      reply.resume();
      outgoing.destroy();
      return;
    }
    outgoing.writeHead(reply.statusCode ?? 502, reply.rawHeaders);
    if (fault !== 'cut') {
      reply.pipe(outgoing);
      return;
    }
    for await (const chunk of reply as AsyncIterable<Buffer>) {
      outgoing.write(chunk.subarray(0, Math.floor(chunk.length / 2)));
      break;
    }
    outgoing.destroy();
  };

  const server = createServer((incoming, outgoing) => {
    answer(incoming, outgoing).catch(() => outgoing.destroy());
  });
  // Killed workers leave their connections in the middle of anything.
  server.on('clientError', (_error, socket) => socket.destroy());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (typeof address !== 'object' || address === null) throw new Error('Expected a port of this machine');
  return {
    url: `http://127.0.0.1:${address.port}`,
    counts,
    async close() {
      server.close();
      server.closeAllConnections();
      agent.destroy();
      await once(server, 'close').catch(() => {});
    },
  };
}
