import { RestorationError } from '../lib/contracts/errors.ts';
import type { Decision, Face, FaceTreatment } from '../lib/contracts/record.ts';
import type { Image } from '../lib/imaging/image.ts';
import type { Restored } from '../lib/inference/run-model.ts';
import type { Assessment } from '../lib/quality/assessment.ts';
import { findBlank, findHarm } from '../lib/quality/guards.ts';
import { holdBack } from '../lib/quality/hold-back.ts';
import { type Candidate, decide, decideFaces } from './decide.ts';
import { countRestored, pasteFaces, recordFaces, restoreFaces, type TreatedFaces } from './faces.ts';
import { type Plan, planRestoration } from './plan.ts';
import type { Request } from './request.ts';
import type { Stopwatch } from './stopwatch.ts';
import type { Turns } from './turns.ts';

export interface PictureWork {
  turns: Turns;
  watch: Stopwatch;
  onTile?(done: number, total: number): void;
  onFace?(done: number, total: number): void;
  signal?: AbortSignal;
}

/** What became of a picture's pixels, and why. */
export interface RestoredPicture {
  before: Assessment;
  /** Of the candidate that the decision is about; left out where there was none. */
  after?: Assessment;
  decision: Decision;
  /** The candidate; looked at only where it is delivered. */
  image?: Image;
  tiles: number;
  /** Inside the models alone. */
  seconds: number;
  faceTreatment?: FaceTreatment;
  faces?: Face[];
}

/**
 * Assess, plan, restore, hold back, faces, assess, decide. Faces are pasted over what the restorer made, and the whole is
 * judged. Where that is not delivered, or the picture is good already and the restorer did not run, faces that gained are tried
 * over the source: a sharp picture of a blurred face is both.
 */
export async function restorePicture(
  source: Image,
  { settings, engine }: Request,
  { turns, watch, onTile, onFace, signal }: PictureWork,
): Promise<RestoredPicture> {
  const made = await turns.alone(async () => {
    stopIfAsked(signal);
    const before = await watch.time('assess', () => engine.assess(source, signal));
    const plan = planRestoration(settings, engine.restorer, before.learned.value);
    const restored = plan.restore
      ? await watch.time('restore', async () => {
          const whole = await engine.restore(source, plan, { onTile, signal });
          return { ...whole, changeKept: limitChange(source, whole, plan) };
        })
      : undefined;
    const faces = engine.faces && (await watch.time('faces', () => facesOf(restored?.image)));
    if (!restored) return { before, faces };
    const assessment = await watch.time('assess', () => engine.assess(restored.image, signal));
    return { before, faces, candidate: { ...restored, assessment } };
  });
  const { before, faces, candidate } = made;
  const decision = decide(settings, engine.restorer, source, before, candidate);
  const spent =
    before.seconds + (candidate?.seconds ?? 0) + (candidate?.assessment.seconds ?? 0) + (faces?.seconds ?? 0);
  const whole = resultOf(decision, candidate, spent);
  const gained = faces ? countRestored(faces) : 0;
  if (decision.delivered === 'restored' || !faces || gained === 0) return whole;

  const alone = await turns.alone(() => overSource(faces, candidate?.image));
  const second = decideFaces(engine.restorer, source, before, alone, gained);
  const seconds = spent + alone.assessment.seconds;
  if (second.delivered === 'restored') return resultOf(second, { ...alone, tiles: candidate?.tiles ?? 0 }, seconds);
  return { ...whole, decision: { ...decision, message: `${decision.message} ${second.message}` }, seconds };

  async function facesOf(background: Image | undefined): Promise<TreatedFaces> {
    const models = engine.faces;
    if (!models) throw new Error('Expected models for faces.');
    const treated = await restoreFaces(source, background, { settings, engine, models }, { onFace, signal });
    if (background) pasteFaces(background, treated);
    return treated;
  }

  /** @param spare a picture of the same size that is no longer needed, so that no third one is in memory */
  async function overSource(treated: TreatedFaces, spare: Image | undefined): Promise<Candidate> {
    stopIfAsked(signal);
    const pixels = spare?.pixels.length === source.pixels.length ? spare.pixels : source.pixels.slice();
    pixels.set(source.pixels);
    const image = { ...source, pixels };
    await watch.time('faces', async () => pasteFaces(image, treated));
    const assessment = await watch.time('assess', () => engine.assess(image, signal));
    return { image, tiles: 0, seconds: 0, nonFinite: 0, changeKept: 1, assessment };
  }

  function resultOf(decided: Decision, of: Candidate | undefined, seconds: number): RestoredPicture {
    return {
      before,
      after: of?.assessment,
      decision: decided,
      image: of?.image,
      tiles: of?.tiles ?? 0,
      seconds,
      ...(made.faces ? recordFaces(made.faces, decided.delivered) : { faceTreatment: engine.facesLeft }),
    };
  }
}

/**
 * Holds a result back, in place, to the change that is planned at most. One that no guard lets pass is left as it is, for the
 * decision to see.
 * @returns share of the change that is left, 0 to 1
 */
function limitChange(source: Image, restored: Restored, { largestChange }: Plan): number {
  if (largestChange === undefined || findBlank(source, restored) || findHarm(source, restored.image)) return 1;
  return holdBack(source, restored.image, largestChange);
}

function stopIfAsked(signal: AbortSignal | undefined): void {
  if (signal?.aborted)
    throw new RestorationError('interrupted', 'Stopped before the picture was restored. Run again to go on.');
}
