import { mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DeleteObjectCommand, ListObjectVersionsCommand, S3Client } from '@aws-sdk/client-s3';
import { SetQueueAttributesCommand } from '@aws-sdk/client-sqs';
import { z } from 'zod';
import { random as randomOf } from '../../generated-pictures.ts';
import { temporaryFolder } from '../../temporary-folder.ts';
import type { Exit } from '../batch/retry-strategy.ts';
import type { Emulator } from '../emulator.ts';
import { type Pipeline, startPipeline } from '../pipeline.ts';
import { type EventTap, tapEvents } from './event-tap.ts';
import { type FaultyProxy, startFaultyProxy } from './faulty-proxy.ts';
import { type Kill, killCauses, killPoints } from './kill-points.ts';

/** Of the requests to the store, each fault. */
const faultShare = 0.004;
/** s; what a batch of uploads waits that was handed back. Six minutes in the template, which a test has not. */
const visibility = 30;
/** The first submissions are refused, more than a client tries: a whole batch is handed back and comes again. */
const throttledAtFirst = 7;

/** The pipeline in bad weather: workers that die, a store that fails, a Batch that throttles, events in any number and order. */
export interface Storm {
  pipeline: Pipeline;
  tap: EventTap;
  proxy: FaultyProxy;
  random: () => number;
  kills(): Promise<Kill[]>;
  /** The next job's manifest is taken away before any worker has read it. */
  loseNextManifest(how: 'marked' | 'for good'): void;
  /** So many jobs are queued twice. */
  doubleNextJobs(count: number): void;
  stop(): Promise<void>;
}

const KillNote = z.object({
  point: z.enum(killPoints),
  cause: z.enum(killCauses),
  jobId: z.string(),
  attempt: z.number(),
});

export async function startStorm(seed: number): Promise<Storm> {
  const folder = await temporaryFolder();
  const notes = join(folder.path, 'kills');
  await mkdir(notes);
  const random = randomOf(seed);
  const kills = new Map<string, Kill>();
  const readKills = async (): Promise<Kill[]> => {
    for (const name of await readdir(notes)) {
      const kill = KillNote.parse(JSON.parse(await readFile(join(notes, name), 'utf8')));
      kills.set(`${kill.jobId} ${kill.attempt}`, kill);
    }
    return [...kills.values()];
  };

  let submissions = 0;
  let doubles = 0;
  let losing: 'marked' | 'for good' | undefined;
  let emulator: Emulator | undefined;
  const proxy = await startFaultyProxy(() => emulator?.endpoint, faultShare, seed + 1);
  const pipeline = await startPipeline({
    s3Endpoint: proxy.url,
    longestWindow: 3,
    onEmulator: (started) => {
      emulator = started;
    },
    copies: () => (random() < 0.3 ? 2 : 1),
    mischief: {
      throttles: () => submissions++ < throttledAtFirst || random() < 0.1,
      doubles: () => doubles-- > 0,
      async beforeSubmit({ manifest = '' }) {
        const how = losing;
        losing = undefined;
        if (emulator && how) await loseManifest(emulator, manifest, how);
      },
    },
    containers: {
      // What killed workers leave behind goes with the folder.
      environment: { IQPIR_CHAOS_FOLDER: notes, IQPIR_THREADS: '1', TMPDIR: folder.path },
      command: ([node = '', , ...rest]) => [node, 'dist/test/support/aws/chaos/restore-entry.js', ...rest],
      async exitOf(job, { exitCode }) {
        if (exitCode !== 137) return undefined;
        await readKills();
        const kill = kills.get(`${job.jobId} ${job.attempts.length + 1}`);
        return kill && exitBy(kill);
      },
    },
  }).catch(async (error: unknown) => {
    await proxy.close();
    await folder.dispose();
    throw error;
  });
  await pipeline.sqs.send(
    new SetQueueAttributesCommand({
      QueueUrl: pipeline.outputs.Queue,
      Attributes: { VisibilityTimeout: `${visibility}` },
    }),
  );
  return {
    pipeline,
    tap: await tapEvents(pipeline),
    proxy,
    random,
    kills: readKills,
    loseNextManifest: (how) => {
      losing = how;
    },
    doubleNextJobs: (count) => {
      doubles = count;
    },
    async stop() {
      await pipeline.stop();
      await proxy.close();
      await folder.dispose();
    },
  };
}

function exitBy({ cause }: Kill): Exit {
  if (cause === 'host') return { statusReason: 'Host EC2 (instance i-0123456789abcdef0) terminated.' };
  const reason = 'OutOfMemoryError: Container killed due to memory usage';
  return { exitCode: 137, reason, statusReason: 'Essential container in task exited' };
}

/** As a careless hand deletes it, which leaves its version, or for good. */
async function loseManifest({ options }: Emulator, manifest: string, how: 'marked' | 'for good'): Promise<void> {
  const { hostname: Bucket, pathname } = new URL(manifest);
  const Key = pathname.slice(1);
  const s3 = new S3Client(options);
  if (how === 'marked') {
    await s3.send(new DeleteObjectCommand({ Bucket, Key }));
    return;
  }
  const { Versions = [] } = await s3.send(new ListObjectVersionsCommand({ Bucket, Prefix: Key }));
  for (const { VersionId } of Versions) await s3.send(new DeleteObjectCommand({ Bucket, Key, VersionId }));
}
