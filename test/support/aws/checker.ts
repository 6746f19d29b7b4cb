import type { S3Client } from '@aws-sdk/client-s3';
import { z } from 'zod';
import { readAll, sha256, type Version, versionsOf } from './bucket-contents.ts';
import { checkHistory } from './check-history.ts';
import { checkResults } from './check-results.ts';
import { checkRows, type Row } from './check-rows.ts';

/**
 * Reads nothing but the buckets, knows nothing of how records are committed, and says where the promises of design.md are
 * broken: every accepted upload settled by exactly one record, none replaced by an older version's, a result's bytes as its
 * record says, no result without a record, originals untouched, a row for each record.
 */
export interface Buckets {
  client: S3Client;
  uploads: string;
  /** Empty, or ending in a slash: what lies elsewhere was never accepted. */
  prefix?: string;
  results: string;
  /** Looks at the uploads below this alone, after the prefix, and at what became of them. */
  only?: string;
}

/** The sha256 of every version that was put into the uploads, by `key` and version, for those who kept a list. */
export type Originals = Map<string, Map<string, string>>;

export type Promised =
  | 'settled'
  | 'one-record'
  | 'valid-record'
  | 'not-replaced-by-older'
  | 'done-once'
  | 'result-as-recorded'
  | 'no-orphan'
  | 'original-untouched'
  | 'row-as-recorded';

export interface Breach {
  promise: Promised;
  key: string;
  message: string;
}

export interface CheckReport {
  breaches: Breach[];
  counts: {
    uploads: number;
    versions: number;
    records: number;
    byStatus: Record<string, number>;
    results: number;
    rows: number;
    manifests: number;
  };
}

/** Looser than what is written: a later schema's records are records, too. */
const CheckedRecord = z.looseObject({
  version: z.number(),
  status: z.enum(['succeeded', 'unchanged', 'failed']),
  settingsHash: z.string().optional(),
  source: z.looseObject({
    key: z.string(),
    version: z.string().optional(),
    sha256: z.string().optional(),
    sequencer: z.string().optional(),
  }),
  result: z.looseObject({ key: z.string(), sha256: z.string(), size: z.number() }).optional(),
  error: z.looseObject({ code: z.string(), fault: z.string() }).optional(),
});
export type CheckedRecord = z.infer<typeof CheckedRecord>;

/** A version of the object at a record's key, as far as it could be read as one. */
export interface WrittenRecord {
  key: string;
  record: CheckedRecord | undefined;
  /** Why it is none. */
  problem?: string;
}

export async function checkPromises(buckets: Buckets, originals?: Originals): Promise<CheckReport> {
  const { client, prefix = '', only = '' } = buckets;
  const breaches: Breach[] = [];
  const broken = (promise: Promised, key: string, message: string): void => {
    breaches.push({ promise, key, message });
  };
  const [uploads, records, results, rows, manifests] = await Promise.all([
    versionsOf(client, buckets.uploads, prefix + only),
    versionsOf(client, buckets.results, `records/${only}`),
    versionsOf(client, buckets.results, `results/${only}`),
    versionsOf(client, buckets.results, 'rows/'),
    versionsOf(client, buckets.results, 'manifests/'),
  ]);
  for (const key of uploads.keys()) if (key.endsWith('/')) uploads.delete(key);

  const sourceHashes = await hashVersions(client, buckets.uploads, uploads);
  const histories = await readRecords(client, buckets.results, records);
  const current = [...histories].flatMap(([key, history]) => (isThere(records.get(key)) ? (history[0] ?? []) : []));

  checkOriginals(sourceHashes, originals, prefix + only, broken);
  checkSettled(uploads, current, prefix, broken);
  for (const [key, history] of histories) checkHistory(key, history, uploads, broken);
  const delivered = await readAll(client, buckets.results, latest(results), ({ key }, bytes) => ({
    key,
    sha256: sha256(bytes),
    size: bytes.length,
  }));
  checkResults(delivered, current, broken);
  for (const { key, record } of current) {
    const { key: source = '', version = '', sha256: recorded } = record?.source ?? {};
    const actual = sourceHashes.get(source)?.get(version);
    if (recorded && actual && recorded !== actual) {
      broken('result-as-recorded', key, `Its source's sha256 is said to be ${recorded}, the version's is ${actual}`);
    }
  }
  const readRows = await readAll(client, buckets.results, latest(rows), ({ key }, bytes): Row => ({ key, bytes }));
  checkRows(readRows, current, broken);

  const byStatus: Record<string, number> = {};
  for (const { record } of current) {
    const status = record?.error ? `failed: ${record.error.code}` : (record?.status ?? 'unreadable');
    byStatus[status] = (byStatus[status] ?? 0) + 1;
  }
  const versions = [...uploads.values()].flat().filter(({ isDeleted }) => !isDeleted).length;
  return {
    breaches,
    counts: {
      uploads: uploads.size,
      versions,
      records: current.length,
      byStatus,
      results: delivered.length,
      rows: readRows.length,
      manifests: latest(manifests).length,
    },
  };
}

export type Broken = (promise: Promised, key: string, message: string) => void;

/** Settled: one record at the key's own place, of the newest version. Deleting an upload takes nothing from its record. */
function checkSettled(uploads: Map<string, Version[]>, current: WrittenRecord[], prefix: string, broken: Broken): void {
  const recordsOf = new Map<string, WrittenRecord[]>();
  for (const written of current) {
    const { key, record, problem } = written;
    if (!record) {
      broken('valid-record', key, problem ?? 'No record');
      continue;
    }
    recordsOf.set(record.source.key, [...(recordsOf.get(record.source.key) ?? []), written]);
    if (!uploads.has(record.source.key)) broken('one-record', key, `Nobody uploaded ${record.source.key}`);
    const expected = `records/${record.source.key.slice(prefix.length)}.json`;
    const asked = key === expected || key.startsWith('records/long/');
    if (!asked) broken('one-record', key, `Expected the record of ${record.source.key} at ${expected}`);
  }
  for (const [key, versions] of uploads) {
    const records = recordsOf.get(key) ?? [];
    const newest = versions.find(({ isDeleted }) => !isDeleted);
    if (!newest) continue;
    if (records.length === 0) broken('settled', key, `No record of ${versions.length} version(s)`);
    if (records.length > 1) {
      broken('one-record', key, `Expected one record, found ${records.map((written) => written.key).join(', ')}`);
    }
    for (const { record } of records) {
      if (record?.source.version !== newest.id) {
        broken('settled', key, `Its record is of version ${record?.source.version}, the newest is ${newest.id}`);
      }
    }
  }
}

function checkOriginals(
  hashes: Map<string, Map<string, string>>,
  originals: Originals | undefined,
  prefix: string,
  broken: Broken,
): void {
  if (!originals) return;
  for (const [key, versions] of originals) {
    if (!key.startsWith(prefix)) continue;
    for (const [version, put] of versions) {
      const found = hashes.get(key)?.get(version);
      if (found !== put)
        broken('original-untouched', key, `Version ${version} was ${put}, now it is ${found ?? 'gone'}`);
    }
  }
  for (const [key, versions] of hashes) {
    for (const version of versions.keys()) {
      if (!originals.get(key)?.has(version)) broken('original-untouched', key, `Nobody put version ${version}`);
    }
  }
}

async function hashVersions(client: S3Client, bucket: string, objects: Map<string, Version[]>) {
  const hashes = new Map<string, Map<string, string>>();
  await readAll(client, bucket, allVersions(objects), ({ key, version = '' }, bytes) => {
    const of = hashes.get(key) ?? new Map<string, string>();
    hashes.set(key, of.set(version, sha256(bytes)));
  });
  return hashes;
}

/** Every version of every record, the newest of a key first. */
async function readRecords(client: S3Client, bucket: string, records: Map<string, Version[]>) {
  const written = await readAll(client, bucket, allVersions(records), ({ key }, bytes) => readRecord(key, bytes));
  const histories = new Map<string, WrittenRecord[]>();
  for (const record of written) histories.set(record.key, [...(histories.get(record.key) ?? []), record]);
  return histories;
}

function readRecord(key: string, bytes: Buffer): WrittenRecord {
  try {
    return { key, record: CheckedRecord.parse(JSON.parse(bytes.toString())) };
  } catch (error) {
    return { key, record: undefined, problem: `Expected a record: ${error}` };
  }
}

function allVersions(objects: Map<string, Version[]>): { key: string; version: string }[] {
  return [...objects].flatMap(([key, versions]) =>
    versions.filter(({ isDeleted }) => !isDeleted).map(({ id }) => ({ key, version: id })),
  );
}

/** What a reader who asks for no version finds. */
function latest(objects: Map<string, Version[]>): { key: string }[] {
  return [...objects].filter(([, versions]) => isThere(versions)).map(([key]) => ({ key }));
}

function isThere(versions: Version[] | undefined): boolean {
  return versions?.find(({ isLatest }) => isLatest)?.isDeleted === false;
}
