import { execFile } from 'node:child_process';
import { realpathSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { get } from 'node:https';
import { delimiter, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { startMinistack } from '../ministack.ts';
import { temporaryFolder } from '../temporary-folder.ts';

export const region = 'us-east-1';

/** What every client of the emulator is built with. */
export interface ClientOptions {
  endpoint: string;
  region: string;
  credentials: { accessKeyId: string; secretAccessKey: string };
  requestHandler: { httpsAgent: { ca?: string; keepAlive: boolean; maxSockets: number } };
}

export interface Emulator {
  endpoint: string;
  options: ClientOptions;
  /** What a process beside it needs to reach it, its credentials apart. */
  environment: Record<string, string>;
  stop(): Promise<void>;
}

export interface EmulatorStart {
  /** Enforce roles and policies, and speak TLS alone: bucket policies refuse anything else. */
  secured?: boolean;
  /** Where the Lambdas find Batch, and by which name they may find S3 instead of the emulator itself. */
  batchEndpoint: string;
  s3Endpoint?: string | undefined;
  /** s; cuts short how long a batch is gathered. */
  longestWindow?: number | undefined;
  /** The Node that runs the Lambdas. */
  lambdaNode?: string;
}

/** Whoever starts MiniStack is the account's root. */
const root = { accessKeyId: 'test', secretAccessKey: 'test' };

/** The Python of the environment that MiniStack is installed in: its program stands beside it. */
export function pythonOfMinistack(): string {
  const command = process.env.IQPIR_MINISTACK;
  if (!command) throw new Error('Expected IQPIR_MINISTACK to name the program of ministack 1.5.33');
  return join(dirname(realpathSync(command)), 'python');
}

/** Starts MiniStack by our launcher, which fills its gaps. */
export async function startEmulator(start: EmulatorStart): Promise<Emulator> {
  const folder = await temporaryFolder();
  try {
    const tls = start.secured ? await ownCertificate(folder.path) : undefined;
    const node = start.lambdaNode ?? process.env.IQPIR_LAMBDA_NODE ?? process.execPath;
    const ministack = await startMinistack({
      command: [pythonOfMinistack(), join(import.meta.dirname, 'emulator.py')],
      scheme: tls ? 'https' : 'http',
      isReady: tls && ((endpoint) => answersOverTls(endpoint, tls.ca)),
      env: {
        AWS_ACCESS_KEY_ID: root.accessKeyId,
        AWS_SECRET_ACCESS_KEY: root.secretAccessKey,
        AWS_SESSION_TOKEN: '',
        AWS_REGION: region,
        AWS_DEFAULT_REGION: region,
        MINISTACK_REGION: region,
        AWS_ENDPOINT_URL_BATCH: start.batchEndpoint,
        ...(start.s3Endpoint ? { AWS_ENDPOINT_URL_S3: start.s3Endpoint } : {}),
        PATH: [dirname(node), process.env.PATH].join(delimiter),
        ...(start.longestWindow === undefined ? {} : { IQPIR_EMULATOR_WINDOW: `${start.longestWindow}` }),
        TMPDIR: folder.path,
        PYTHONDONTWRITEBYTECODE: '1',
        AUTH: start.secured ? 'true' : 'false',
        ...(tls
          ? {
              USE_SSL: '1',
              MINISTACK_SSL_CERT: tls.certificate,
              MINISTACK_SSL_KEY: tls.key,
              NODE_EXTRA_CA_CERTS: tls.certificate,
            }
          : {}),
      },
    });
    const { endpoint } = ministack;
    return {
      endpoint,
      options: {
        endpoint,
        region,
        credentials: root,
        requestHandler: { httpsAgent: { ca: tls?.ca, keepAlive: true, maxSockets: 64 } },
      },
      environment: {
        AWS_ENDPOINT_URL: endpoint,
        AWS_REGION: region,
        ...(start.s3Endpoint ? { AWS_ENDPOINT_URL_S3: start.s3Endpoint } : {}),
        ...(tls ? { NODE_EXTRA_CA_CERTS: tls.certificate } : {}),
      },
      async stop() {
        await ministack.stop();
        await folder.dispose();
      },
    };
  } catch (error) {
    await folder.dispose();
    throw error;
  }
}

async function ownCertificate(folder: string): Promise<{ certificate: string; key: string; ca: string }> {
  const [certificate, key] = [join(folder, 'certificate.pem'), join(folder, 'key.pem')];
  const subject = ['-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1,DNS:localhost'];
  const files = ['-keyout', key, '-out', certificate];
  await promisify(execFile)('openssl', [
    'req',
    '-x509',
    '-newkey',
    'rsa:2048',
    '-nodes',
    '-days',
    '2',
    ...files,
    ...subject,
  ]);
  return { certificate, key, ca: await readFile(certificate, 'utf8') };
}

function answersOverTls(endpoint: string, ca: string): Promise<boolean> {
  return new Promise((resolve) => {
    const request = get(`${endpoint}/_ministack/health`, { ca }, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    });
    request.on('error', () => resolve(false));
  });
}
