import { findJob } from '../../lib/cloud/batch-queue.ts';
import { RestorationRecord } from '../../lib/contracts/record.ts';
import { openBuckets } from '../../lib/storage/open-buckets.ts';
import { exitCodes } from '../exit-codes.ts';
import { hashOf } from './find-manifest.ts';
import { findPlaces, misuse, type PlaceOptions, required } from './places.ts';
import { readStackOutputs } from './stack-outputs.ts';
import { type State, statusOf, type UploadStatus } from './status.ts';

export interface StatusOptions extends PlaceOptions {
  key: string;
  json: boolean;
}

const codeOf: Record<State, number> = {
  succeeded: exitCodes.done,
  unchanged: exitCodes.done,
  failed: exitCodes.failed,
  waiting: exitCodes.unsettled,
  absent: exitCodes.unsettled,
};

export async function statusCommand({ key, json, ...options }: StatusOptions): Promise<void> {
  const places = await findPlaces(options, readStackOutputs);
  const { layout, queue } = places;
  if (!key.startsWith(layout.uploads)) {
    throw misuse(`Expected an upload's whole key, below ${layout.uploads}, but ${key} came.`);
  }
  const { uploads, results } = openBuckets({
    uploads: required(places, 'bucket'),
    results: required(places, 'results'),
  });
  const status = await statusOf({
    key,
    source: uploads,
    results,
    layout,
    findJob: queue === undefined ? undefined : (place) => findJob(queue, { ...place, hash: hashOf(place.key) }),
  });
  process.stdout.write(json ? `${JSON.stringify(status)}\n` : `${inWords(status, results.bucket, queue)}\n`);
  process.exitCode = codeOf[status.state];
}

function inWords(
  { key, state, upload, record, recordKey, manifest }: UploadStatus,
  results: string,
  queue?: string,
): string {
  const lines = [`${key}: ${headline[state]}`];
  if (upload) {
    const version = upload.version ? `, version ${upload.version}` : '';
    lines.push(`  upload    ${upload.size} bytes, put ${upload.lastModified}${version}`);
  } else lines.push('  upload    not there (never put, or deleted since)');
  lines.push(`  record    ${record ? `s3://${results}/${recordKey}` : 'none'}`);
  if (record) lines.push(...recordLines(record, state === 'waiting'));
  if (state !== 'waiting') return lines.join('\n');
  if (!manifest) {
    lines.push(
      '  manifest  none of its days names it: the event is under way, dead (iqpir aws redrive), or was lost (iqpir aws backfill)',
    );
    return lines.join('\n');
  }
  lines.push(
    `  manifest  s3://${results}/${manifest.key}, share ${manifest.share} of ${manifest.shares}, put ${manifest.putAt}`,
  );
  const { job } = manifest;
  if (job) {
    const reason = job.reason ? `, ${job.reason}` : '';
    lines.push(`  job       ${job.id}: ${job.status}${reason}, attempts ${job.attempts}`);
    if (job.logStream) lines.push(`  log       ${job.logStream}`);
  } else
    lines.push(
      `  job       ${queue ? 'Batch knows none of this manifest (any more)' : 'not looked for: give --queue or --stack'}`,
    );
  return lines.join('\n');
}

const headline: Record<State, string> = {
  succeeded: 'restored',
  unchanged: 'settled, the original was delivered',
  failed: 'failed',
  waiting: 'not settled yet',
  absent: 'neither an upload nor a record',
};

function recordLines(content: unknown, isOlder: boolean): string[] {
  const { data: record } = RestorationRecord.safeParse(content);
  if (!record) return ['            written by a newer version of this software'];
  const older = isOlder ? ' (of an earlier version)' : '';
  if (record.status === 'failed')
    return [`  failed    ${record.error.code}, ${record.error.fault}${older}: ${record.error.message}`];
  return [
    `  decision  ${record.decision.reason}${older}: ${record.decision.message}`,
    `  result    s3://${record.result.bucket}/${record.result.key}, ${record.result.size} bytes, done ${record.completedAt}`,
  ];
}
