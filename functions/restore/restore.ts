import { createHash } from 'node:crypto';
import { buffer } from 'node:stream/consumers';
import { asRestorationError, RestorationError } from '../lib/contracts/errors.ts';
import { formatOfName, type KeyLayout, nameOfUpload, recordKey, resultKey } from '../lib/contracts/keys.ts';
import type { Overwrite } from '../lib/contracts/manifest.ts';
import type { Upload } from '../lib/contracts/object-event.ts';
import type { Decision, DeliveredRecord, RestorationRecord, Result, Source, Warning } from '../lib/contracts/record.ts';
import { hashSettings, type Settings } from '../lib/contracts/settings.ts';
import { decode, encode, inspect } from '../lib/imaging/codec.ts';
import { checkSize, contentTypes, type ResultFormat, type SourceFormat } from '../lib/imaging/formats.ts';
import type { DecodedImage, Image } from '../lib/imaging/image.ts';
import { scoresOf } from '../lib/quality/assessment.ts';
import { type Claim, commit, type Delivery } from '../lib/storage/commit.ts';
import { asksForWork, readCommitted, type Standing, standingOf } from '../lib/storage/standing.ts';
import type { ObjectStore } from '../lib/storage/store.ts';
import { decide } from './decide.ts';
import type { Engine } from './engine.ts';
import { planRestoration } from './plan.ts';
import { stopwatch } from './stopwatch.ts';
import type { Turns } from './turns.ts';

/** Everything that a restoration needs besides its upload; built once by the composition root. */
export interface RestorationContext {
  source: Pick<ObjectStore, 'bucket' | 'get'>;
  results: ObjectStore;
  layout: KeyLayout;
  settings: Settings;
  overwrite: Overwrite;
  engine: Engine;
  turns: Turns;
  software: { name: string; version: string };
  /** When the work was asked for, ISO 8601. */
  createdAt: string;
  onProgress?: (progress: Progress) => void;
  /** Stops between tiles; the picture at work is handed back without a record. */
  signal?: AbortSignal;
}

export type Progress =
  | { stage: 'started'; key: string }
  | { stage: 'tiles'; key: string; done: number; total: number }
  | { stage: 'settled'; key: string; outcome: Outcome };

/** How an upload was settled: by a record of ours, or by one that was there already. */
export type Outcome = { standing: 'open'; record: RestorationRecord } | { standing: Exclude<Standing, 'open'> };

/**
 * Fetch, decode, assess, plan, restore, assess, decide, encode, put: one upload to its terminal record.
 * @throws RestorationError `interrupted` where it was told to stop, `store-*` and `invalid-record` where no record can be put;
 *   every other failure ends in a failed record
 */
export async function restoreUpload(upload: Upload, context: RestorationContext): Promise<Outcome> {
  const { layout, settings, engine, results } = context;
  const name = nameOfUpload(layout, upload.key) ?? upload.key;
  const settingsHash = hashSettings(settings, engine.hashes);
  const claim: Claim = { upload, settingsHash, overwrite: context.overwrite, recordKey: recordKey(layout, name) };
  const standing = standingOf(await readCommitted(results, claim.recordKey), upload, settingsHash);
  if (standing !== 'open' && !asksForWork(standing, context.overwrite)) return { standing };

  const startedAt = new Date().toISOString();
  const source: Source = { ...sourceOf(upload), bucket: context.source.bucket };
  const common = () => ({
    version: 1 as const,
    source,
    settings,
    settingsHash,
    software: context.software,
    createdAt: context.createdAt,
    startedAt,
    completedAt: new Date().toISOString(),
  });

  let record: RestorationRecord | undefined;
  const put = async (
    delivery: Delivery | undefined,
    make: (result?: Result) => RestorationRecord,
  ): Promise<Outcome> => {
    const ended = await commit(results, claim, delivery, (result) => {
      record = make(result);
      return record;
    });
    return ended === 'open' && record ? { standing: ended, record } : { standing: ended as Exclude<Standing, 'open'> };
  };

  try {
    context.onProgress?.({ stage: 'started', key: upload.key });
    const made = await deliver(upload, name, source, context);
    return await put(made.delivery, (result) => ({
      ...common(),
      ...made.facts,
      timings: made.timings(),
      result: result ?? made.delivery.result,
    }));
  } catch (thrown) {
    const error = asRestorationError(thrown);
    if (leavesNoRecord(error)) throw error;
    const { code, fault, message } = error;
    return put(undefined, () => ({ ...common(), status: 'failed', warnings: [], error: { code, fault, message } }));
  }
}

type Facts = Pick<
  DeliveredRecord,
  'status' | 'image' | 'assessment' | 'decision' | 'models' | 'tiles' | 'device' | 'peakMemory' | 'warnings'
>;

async function deliver(upload: Upload, name: string, source: Source, context: RestorationContext) {
  const { settings, engine, turns, signal } = context;
  const watch = stopwatch();
  const bytes = await watch.time('fetch', () => fetch(upload, source, context));
  const { width, height, format } = await inspect(bytes, settings);
  checkSize({ width, height }, resultFormat(settings, format));

  return turns.withPixels(width * height, async () => {
    const decoded = await watch.time('decode', () => decode(bytes, settings));
    const network = await turns.alone(async () => {
      stopIfAsked(signal);
      const before = await watch.time('assess', () => engine.assess(decoded.colour, signal));
      const plan = planRestoration(settings, engine.restorer, before.learned.value);
      if (!plan.restore) return { before };
      const onTile = (done: number, total: number) =>
        context.onProgress?.({ stage: 'tiles', key: upload.key, done, total });
      const restored = await watch.time('restore', () => engine.restore(decoded.colour, plan, { onTile, signal }));
      const assessment = await watch.time('assess', () => engine.assess(restored.image, signal));
      return { before, candidate: { ...restored, assessment } };
    });
    const { before, candidate } = network;
    const after = candidate?.assessment;
    const decision = decide(settings, engine.restorer, decoded.colour, before, candidate);
    const { delivery, warnings } = await watch.time('encode', () =>
      prepare(name, decoded, decision, candidate?.image, context, { bytes, sha256: source.sha256 ?? '' }),
    );
    const predictTime = before.seconds + (candidate?.seconds ?? 0) + (after?.seconds ?? 0);
    const facts: Facts = {
      status: decision.delivered === 'restored' ? 'succeeded' : 'unchanged',
      image: decoded.facts,
      assessment: scoresOf(before, after),
      decision,
      models: engine.models,
      tiles: candidate?.tiles ?? 0,
      device: engine.device,
      peakMemory: process.resourceUsage().maxRSS * 1024,
      warnings: [...nameWarnings(name, decoded), ...decoded.warnings, ...warnings],
    };
    return { delivery, facts, timings: () => watch.timings(predictTime) };
  });
}

async function fetch(upload: Upload, source: Source, context: RestorationContext): Promise<Buffer> {
  const { version, etag } = upload;
  const { head, body } = await context.source.get(upload.key, { version, etag });
  const bytes = await buffer(body);
  source.size = bytes.length;
  source.lastModified = head.lastModified;
  source.sha256 = createHash('sha256').update(bytes).digest('hex');
  if (bytes.length !== head.size) {
    throw new RestorationError(
      'store-unavailable',
      `Expected ${head.size} bytes of ${upload.key}, but ${bytes.length} came. Try again.`,
    );
  }
  return bytes;
}

/** The delivered file: the candidate encoded, the original's own bytes, or its pixels re-encoded as asked. */
async function prepare(
  name: string,
  decoded: DecodedImage,
  decision: Decision,
  candidate: Image | undefined,
  context: RestorationContext,
  original: { bytes: Buffer; sha256: string },
): Promise<{ delivery: Delivery; warnings: Warning[] }> {
  const { settings, results, layout, software } = context;
  const own = decoded.facts.format;
  const asked = settings.format === 'same' ? undefined : settings.format;
  const restored = decision.delivered === 'restored' ? candidate : undefined;
  if (!restored && settings.metadata === 'keep' && (asked ?? own) === own) {
    const { width, height } = decoded.facts;
    const key = resultKey(layout, name, asked);
    const { bytes, sha256 } = original;
    const result = { bucket: results.bucket, key, format: own, sha256, size: bytes.length, width, height };
    return { delivery: { result, contentType: contentTypes[own], body: async () => bytes }, warnings: [] };
  }
  const format = resultFormat(settings, own);
  const { width, height } = decoded.colour;
  const { bytes, warnings } = await encode(
    { ...decoded, colour: restored ?? decoded.colour },
    { format, policy: settings.metadata, processedBy: restored && `${software.name} ${software.version}` },
  );
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const key = resultKey(layout, name, format === own ? asked : format);
  const result = { bucket: results.bucket, key, format, sha256, size: bytes.length, width, height };
  return { delivery: { result, contentType: contentTypes[format], body: async () => bytes }, warnings };
}

/** GIF holds too few colours for a photograph: its restorations become PNG. */
function resultFormat({ format }: Settings, own: SourceFormat): ResultFormat {
  if (format !== 'same') return format;
  return own === 'gif' ? 'png' : own;
}

function sourceOf({ bucket, key, version, etag, size, sequencer }: Upload): Source {
  return { bucket, key, version, etag, size, sequencer };
}

function nameWarnings(name: string, { facts }: DecodedImage): Warning[] {
  const claimed = formatOfName(name);
  if (claimed === undefined || claimed === facts.format) return [];
  return [
    {
      code: 'misleading-name',
      message: `The name says ${claimed}, the content is ${facts.format}. The content decided.`,
    },
  ];
}

/** Where the store itself fails, or a stop was asked for, there is nobody to tell but the caller. */
function leavesNoRecord({ code }: RestorationError): boolean {
  return (
    code === 'interrupted' || code === 'invalid-record' || code === 'store-conflict' || code === 'store-unavailable'
  );
}

function stopIfAsked(signal: AbortSignal | undefined): void {
  if (signal?.aborted)
    throw new RestorationError('interrupted', 'Stopped before the picture was restored. Run again to go on.');
}
