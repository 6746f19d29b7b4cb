/**
 * The container: one share of a manifest.
 *   main.js --manifest s3://RESULTS/manifests/DATE/HASH.json          on AWS; the environment is in config.ts
 *   main.js --local UPLOADS RESULTS --manifest manifests/DATE/HASH.json    two folders instead of two buckets
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { errorFields, logLine } from '../lib/cloud/log.ts';
import { recordFollowers } from '../lib/cloud/record-followers.ts';
import { asRestorationError, RestorationError } from '../lib/contracts/errors.ts';
import { FolderStore } from '../lib/storage/folder-store.ts';
import { openBuckets } from '../lib/storage/open-buckets.ts';
import { RestoreEnv } from './config.ts';
import { type ExitCode, exitCodeOf, exitCodes } from './exit-codes.ts';
import { type Job, runJob } from './job.ts';

/** Batch kills 30 s after it asked; the last 5 are the process's own end. */
const graceSeconds = 25;

const usage = 'Expected --manifest s3://BUCKET/KEY, or --local UPLOADS RESULTS --manifest KEY';

const stop = new AbortController();
for (const name of ['SIGTERM', 'SIGINT'] as const) {
  process.on(name, () => {
    if (stop.signal.aborted) return;
    logLine('warn', 'told to stop: what is at work is handed back', { signal: name });
    stop.abort();
    setTimeout(() => end(exitCodes.tryAgain), graceSeconds * 1000).unref();
  });
}
for (const name of ['uncaughtException', 'unhandledRejection'] as const) {
  process.on(name, (thrown: unknown) => {
    logLine('error', name, errorFields(asRestorationError(thrown)));
    end(exitCodes.tryAgain);
  });
}

end(await main());

async function main(): Promise<ExitCode> {
  let scratch: string | undefined;
  try {
    scratch = await mkdtemp(join(tmpdir(), 'iqpir-'));
    const code = await runJob({ ...open(process.argv.slice(2)), scratch, log: logLine, signal: stop.signal });
    logLine('info', 'share ended', { exitCode: code });
    return code;
  } catch (thrown) {
    const error = asRestorationError(thrown);
    const code = exitCodeOf(error);
    logLine('error', 'job stopped', { exitCode: code, ...errorFields(error) });
    return code;
  } finally {
    if (scratch) await rm(scratch, { recursive: true, force: true });
  }
}

function open(args: string[]): Pick<Job, 'env' | 'source' | 'results' | 'manifestKey' | 'followers'> {
  const { manifest, folders } = argumentsOf(args);
  if (folders) {
    const [uploads, results] = folders;
    const env = envOf({
      IQPIR_DEVICE: 'cpu',
      ...process.env,
      IQPIR_UPLOADS_BUCKET: uploads,
      IQPIR_RESULTS_BUCKET: results,
    });
    const source = new FolderStore({ root: uploads, readOnly: true });
    return { env, source, results: new FolderStore({ root: results }), manifestKey: manifest };
  }
  const env = envOf(process.env);
  const { uploads, results } = openBuckets({ uploads: env.IQPIR_UPLOADS_BUCKET, results: env.IQPIR_RESULTS_BUCKET });
  const prefix = `s3://${env.IQPIR_RESULTS_BUCKET}/`;
  if (!manifest.startsWith(prefix)) throw misuse(`Expected a manifest below ${prefix}, but ${manifest} came.`);
  const followers = recordFollowers({ results, eventBus: env.IQPIR_EVENT_BUS });
  return { env, source: uploads, results, manifestKey: manifest.slice(prefix.length), followers };
}

function argumentsOf(args: string[]): { manifest: string; folders?: [string, string] } {
  const options = { manifest: { type: 'string' }, local: { type: 'boolean', default: false } } as const;
  try {
    const { values, positionals } = parseArgs({ args, options, allowPositionals: true });
    const [uploads, results, ...more] = positionals;
    if (values.manifest && values.local && uploads && results && more.length === 0) {
      return { manifest: values.manifest, folders: [uploads, results] };
    }
    if (values.manifest && !values.local && !uploads) return { manifest: values.manifest };
  } catch (cause) {
    throw misuse(`${usage}: ${asRestorationError(cause).message}`);
  }
  throw misuse(`${usage}, but ${args.join(' ') || 'nothing'} came.`);
}

function envOf(variables: NodeJS.ProcessEnv): RestoreEnv {
  const env = RestoreEnv.safeParse(variables);
  if (env.success) return env.data;
  throw misuse(`Expected the job's environment as functions/restore/config.ts says. ${z.prettifyError(env.error)}`);
}

function misuse(message: string): RestorationError {
  return new RestorationError('invalid-configuration', message);
}

/** Nothing is left to wait for: a model's worker at work, or an idle connection, must not hold the process. */
function end(code: ExitCode): never {
  process.exit(code);
}
