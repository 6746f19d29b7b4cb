/**
 * The container's program with its ports wrapped: the same job over the same stores, killed at a named point.
 *   restore-entry.js --manifest s3://RESULTS/manifests/DATE/HASH.json
 * IQPIR_CHAOS_FOLDER: where the points that have killed are noted.
 */
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { logLine } from '../../../../functions/lib/cloud/log.ts';
import { recordFollowers } from '../../../../functions/lib/cloud/record-followers.ts';
import { asRestorationError } from '../../../../functions/lib/contracts/errors.ts';
import { openBuckets } from '../../../../functions/lib/storage/open-buckets.ts';
import { RestoreEnv } from '../../../../functions/restore/config.ts';
import { exitCodeOf } from '../../../../functions/restore/exit-codes.ts';
import { runJob } from '../../../../functions/restore/job.ts';
import { deadlyFollowers, deadlyResults, deadlySource } from './deadly-stores.ts';
import { reaper } from './reaper.ts';
import { watchModels } from './watch-models.ts';

const env = RestoreEnv.parse(process.env);
const { IQPIR_CHAOS_FOLDER = '', AWS_BATCH_JOB_ID = '' } = process.env;
const manifest = process.argv[process.argv.indexOf('--manifest') + 1] ?? '';
const pass = reaper(IQPIR_CHAOS_FOLDER, AWS_BATCH_JOB_ID, env.AWS_BATCH_JOB_ATTEMPT);
const { uploads, results } = openBuckets({ uploads: env.IQPIR_UPLOADS_BUCKET, results: env.IQPIR_RESULTS_BUCKET });
const stop = new AbortController();
process.on('SIGTERM', () => stop.abort());

watchModels(pass);
try {
  const store = deadlyResults(results, pass);
  const code = await runJob({
    env,
    source: deadlySource(uploads, pass),
    results: store,
    manifestKey: manifest.slice(`s3://${env.IQPIR_RESULTS_BUCKET}/`.length),
    scratch: await mkdtemp(join(tmpdir(), 'iqpir-chaos-')),
    followers: deadlyFollowers(recordFollowers({ results: store, eventBus: env.IQPIR_EVENT_BUS }), pass),
    log: logLine,
    signal: stop.signal,
  });
  process.exit(code);
} catch (thrown) {
  logLine('error', 'job stopped', { message: asRestorationError(thrown).message });
  process.exit(exitCodeOf(asRestorationError(thrown)));
}
