import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, it } from 'vitest';
import { startContainer } from '../support/run-share.ts';

/** 25 s of grace, and the start of a process on a busy machine. */
const patience = 90_000;

it(
  'ends with 75 after its grace when it is told to stop and what it waits for never comes',
  async () => {
    const silent = createServer(() => {}).listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const { port } = silent.address() as AddressInfo;
    const { child, ended } = startContainer(['--manifest', 's3://results/manifests/2026-01-01/0.json'], {
      IQPIR_DEVICE: 'cpu',
      IQPIR_UPLOADS_BUCKET: 'uploads',
      IQPIR_RESULTS_BUCKET: 'results',
      AWS_ENDPOINT_URL: `http://127.0.0.1:${port}`,
      AWS_REGION: 'us-east-1',
      AWS_ACCESS_KEY_ID: 'test',
      AWS_SECRET_ACCESS_KEY: 'test',
    });
    try {
      await once(silent, 'request');
      child.kill('SIGTERM');
      const { code, lines } = await ended;
      expect(code).toBe(75);
      expect(lines.map(({ message }) => message)).toEqual(['told to stop: what is at work is handed back']);
    } finally {
      child.kill('SIGKILL');
      silent.closeAllConnections();
      silent.close();
    }
  },
  patience,
);
