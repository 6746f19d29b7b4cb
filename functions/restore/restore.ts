import { asRestorationError, type RestorationError } from '../lib/contracts/errors.ts';
import { formatOfName, type KeyLayout, nameOfUpload, recordKey, resultKeys } from '../lib/contracts/keys.ts';
import type { Overwrite } from '../lib/contracts/manifest.ts';
import type { Upload } from '../lib/contracts/object-event.ts';
import type { DeliveredRecord, RestorationRecord, Result, Source, Warning } from '../lib/contracts/record.ts';
import { hashSettings, type Settings } from '../lib/contracts/settings.ts';
import { decode, inspect } from '../lib/imaging/codec.ts';
import { checkDoubled, enlarge } from '../lib/imaging/enlarge.ts';
import { checkSize } from '../lib/imaging/formats.ts';
import type { DecodedImage } from '../lib/imaging/image.ts';
import { scoresOf } from '../lib/quality/assessment.ts';
import { type Claim, commit, type Delivery, type RecordFollowers, tellAgain } from '../lib/storage/commit.ts';
import { removeOrphans } from '../lib/storage/orphans.ts';
import { asksForWork, readCommitted, type Standing, standingOf } from '../lib/storage/standing.ts';
import type { ObjectStore } from '../lib/storage/store.ts';
import type { Engine } from './engine.ts';
import { type Opened, openUpload, readUpload } from './fetch.ts';
import { restorePicture } from './picture.ts';
import { prepare, resultFormat } from './prepare.ts';
import { type Request, requestOf } from './request.ts';
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
  /** Finds the models of an upload that asks for its own settings by its metadata; left out, none may. */
  engineFor?: (settings: Settings) => Engine;
  turns: Turns;
  software: { name: string; version: string };
  /** When the work was asked for, ISO 8601; left out, when the upload was made. */
  createdAt?: string;
  /** On AWS rows and events. */
  followers?: RecordFollowers;
  onProgress?: (progress: Progress) => void;
  /** Stops between tiles; the picture at work is handed back without a record. */
  signal?: AbortSignal;
}

export type Progress =
  | { stage: 'started'; key: string }
  | { stage: 'tiles' | 'faces'; key: string; done: number; total: number }
  | { stage: 'settled'; key: string; outcome: Outcome };

/**
 * How an upload was settled: by a record of ours, or by one that was there already; `failure` is what befell an attempt to
 * do it again, which left that record alone.
 */
export type Outcome =
  | { standing: 'open'; record: RestorationRecord }
  | { standing: Exclude<Standing, 'open'>; failure?: RestorationError };

/**
 * Fetch, decode, assess, plan, restore, faces, assess, decide, encode, put: one upload to its terminal record.
 * @throws RestorationError `interrupted` where it was told to stop, `store-*` and `invalid-record` where no record can be put;
 *   every other failure ends in a failed record
 */
export async function restoreUpload(upload: Upload, context: RestorationContext): Promise<Outcome> {
  const { layout, results, overwrite, followers = {} } = context;
  const name = nameOfUpload(layout, upload.key) ?? upload.key;
  const at = { upload, recordKey: recordKey(layout, name), resultKeys: resultKeys(layout, name) };
  const committed = await readCommitted(results, at.recordKey);
  /** The standing that makes the work needless. */
  const settledBy = async (request: Request): Promise<Exclude<Standing, 'open'> | undefined> => {
    const standing = standingOf(committed, upload, hashOf(request));
    if (standing === 'open' || asksForWork(standing, overwrite)) return undefined;
    await tellAgain(followers, at, committed);
    // Whoever put the record may have been killed before it had tidied up.
    const namesNothing = standing === 'overtaken' || committed?.record.status === 'failed';
    if (committed && namesNothing) await removeOrphans(results, at, committed);
    return standing;
  };
  let request: Request = { settings: context.settings, engine: context.engine };
  const early = await settledBy(request);
  // What was done with other settings may have been done with the upload's own, which only its object tells.
  if (early && !(early === 'other-settings' && context.engineFor)) return { standing: early };

  const startedAt = new Date().toISOString();
  const source: Source = { ...sourceOf(upload), bucket: context.source.bucket };
  const common = () => ({
    version: 1 as const,
    source,
    settings: request.settings,
    settingsHash: hashOf(request),
    software: context.software,
    createdAt: context.createdAt ?? new Date(upload.eventTime).toISOString(),
    startedAt,
    completedAt: new Date().toISOString(),
  });

  let record: RestorationRecord | undefined;
  const put = async (
    delivery: Delivery | undefined,
    make: (result?: Result) => RestorationRecord,
    failure?: RestorationError,
  ): Promise<Outcome> => {
    const claim: Claim = { ...at, settingsHash: hashOf(request), overwrite };
    const makeRecord = (result?: Result) => {
      record = make(result);
      return record;
    };
    const ended = await commit(results, claim, delivery, makeRecord, followers);
    if (ended === 'open' && record) return { standing: ended, record };
    return { standing: ended as Exclude<Standing, 'open'>, failure };
  };

  try {
    context.onProgress?.({ stage: 'started', key: upload.key });
    const opened = await openUpload(upload, context.source);
    if (context.engineFor) {
      try {
        request = requestOf(opened.head.metadata, context.settings, context.engineFor);
        const standing = await settledBy(request);
        if (standing) {
          opened.body.destroy();
          return { standing };
        }
      } catch (error) {
        opened.body.destroy();
        throw error;
      }
    }
    const made = await deliver(upload, name, source, opened, request, context);
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
    const failed = () => ({ ...common(), status: 'failed' as const, warnings: [], error: { code, fault, message } });
    return put(undefined, failed, error);
  }
}

function hashOf({ settings, engine }: Request): string {
  return hashSettings(settings, engine.hashes);
}

type Facts = Pick<
  DeliveredRecord,
  | 'status'
  | 'image'
  | 'assessment'
  | 'decision'
  | 'faceTreatment'
  | 'faces'
  | 'models'
  | 'tiles'
  | 'device'
  | 'peakMemory'
  | 'warnings'
>;

async function deliver(
  upload: Upload,
  name: string,
  source: Source,
  opened: Opened,
  request: Request,
  context: RestorationContext,
) {
  const { settings, engine } = request;
  const { turns, signal } = context;
  const watch = stopwatch();
  const bytes = await watch.time('fetch', () => readUpload(opened, upload, source));
  const { width, height, format } = await inspect(bytes, settings);
  const { scale } = settings;
  if (scale === 2) checkDoubled({ width, height }, settings.maxPixels);
  checkSize({ width: scale * width, height: scale * height }, resultFormat(settings, format));

  return turns.withPixels(scale ** 2 * width * height, async () => {
    const decoded = await watch.time('decode', async () => {
      const asItIs = await decode(bytes, settings);
      return scale === 2 ? enlarge(asItIs) : asItIs;
    });
    const progress = (stage: 'tiles' | 'faces') => (done: number, total: number) =>
      context.onProgress?.({ stage, key: upload.key, done, total });
    const work = { turns, watch, onTile: progress('tiles'), onFace: progress('faces'), signal };
    const picture = await restorePicture(decoded.colour, request, work);
    const { before, after, decision, faces, faceTreatment } = picture;
    const assessment = scoresOf(before, after);
    const original = { bytes, sha256: source.sha256 ?? '' };
    const generated = faces?.some(({ status }) => status === 'restored');
    const judged = { name, decoded, decision, assessment, candidate: picture.image, generated, original };
    const { delivery, warnings } = await watch.time('encode', () => prepare(judged, settings, context));
    const facts: Facts = {
      status: decision.delivered === 'restored' ? 'succeeded' : 'unchanged',
      image: decoded.facts,
      assessment,
      decision,
      faceTreatment,
      faces,
      models: engine.models,
      tiles: picture.tiles,
      device: engine.device,
      peakMemory: process.resourceUsage().maxRSS * 1024,
      warnings: [...nameWarnings(name, decoded), ...decoded.warnings, ...warnings],
    };
    return { delivery, facts, timings: () => watch.timings(picture.seconds) };
  });
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
