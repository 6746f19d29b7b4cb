import { pMapIterable } from 'p-map';
import { RestorationError } from '../contracts/errors.ts';
import type { ModelCard } from '../contracts/model-card.ts';
import { createMosaic, type Mosaic } from '../imaging/blend.ts';
import type { Image } from '../imaging/image.ts';
import { toChannels, toTensor } from '../imaging/tensor.ts';
import { planTiles, smallestTile, type TilePlan, type Window } from '../imaging/tiles.ts';
import type { TensorValue } from './messages.ts';
import { tensorFor } from './model-interface.ts';
import { ranOutOfMemory, type Session } from './session.ts';

/** What is asked of a restorer, 0 to 1 each; left out means the card's default. */
export interface RestoreRequest {
  score?: number;
  fidelity?: number;
}

export interface RestoreProgress {
  /** After every tile. `total` changes where memory ran out and the picture is begun again with smaller tiles. */
  onTile?(done: number, total: number): void;
  /** Obeyed between tiles. */
  signal?: AbortSignal;
}

export interface Restored {
  /** Size, channels and depth of the picture that came in. */
  image: Image;
  tiles: number;
  /** Inside the model alone. */
  seconds: number;
  /** Samples for which the model gave NaN or infinity; a result with any must not be delivered. */
  nonFinite: number;
}

/** One in the model, and the next one waiting there while this thread places the last. */
const tilesAtOnce = 2;

/** A tile halved twice holds a sixteenth of the pixels; where even that does not fit, something else is wrong. */
const mostHalvings = 2;

/**
 * Restores a picture tile by tile. Of the whole picture only bytes are kept, floats only of the tile at work.
 * @param session of a model with task `restore`, or `restore-face` with a face of the size that it takes
 * @throws `invalid-configuration` where a score or fidelity is given to a model that has no such input, `inference-failed`,
 *   `interrupted` where the signal was raised or the session closed, `model-mismatch` where the output has another size
 */
export async function restoreImage(
  session: Session,
  image: Image,
  request: RestoreRequest,
  progress: RestoreProgress = {},
): Promise<Restored> {
  const { card } = session;
  const { tiling } = card;
  if (!tiling) {
    const message = `Expected "tiling" in the card of restorer "${card.id}" but it has none. Add it.`;
    throw new RestorationError('model-mismatch', message);
  }
  const wishes = wishesOf(card, request);
  for (let tile = tiling.tile, halvings = 0; ; tile = Math.floor(tile / 2), halvings++) {
    try {
      const plan = planTiles(image.width, image.height, card.size, { ...tiling, tile });
      return await restoreTiles(session, image, plan, wishes, progress);
    } catch (error) {
      const smaller = Math.floor(tile / 2) >= smallestTile(card.size, tiling);
      if (!ranOutOfMemory(error) || !smaller || halvings === mostHalvings) throw error;
    }
  }
}

async function restoreTiles(
  session: Session,
  image: Image,
  plan: TilePlan,
  wishes: Map<string, number>,
  { onTile, signal }: RestoreProgress,
): Promise<Restored> {
  const input = tensorFor(session.card, 'inputs', 'image');
  const output = tensorFor(session.card, 'outputs', 'restored');
  const mosaic: Mosaic = createMosaic(image, plan, output.range ?? [0, 1]);
  const tiles = plan.rows.flatMap((down, row) => plan.columns.map((across, column) => ({ row, column, down, across })));
  const total = tiles.length;
  let seconds = 0;
  let done = 0;
  const run = async ({ row, column, down, across }: (typeof tiles)[number]) => {
    if (signal?.aborted) throw interrupted(done, total);
    const data = toTensor(image, areaOf(across, down), 'reflect', input.range ?? [0, 1]);
    const feeds: Record<string, TensorValue> = {
      [input.name]: { type: 'float32', dims: [1, 3, down.size, across.size], data },
    };
    for (const [name, wish] of wishes) feeds[name] = { type: 'float32', dims: [1], data: Float32Array.of(wish) };
    const result = await session.run(feeds);
    const planes = planesOf(session.card, result.outputs[output.name], across, down);
    return { row, column, planes, seconds: result.seconds };
  };
  for await (const tile of pMapIterable(tiles, run, { concurrency: tilesAtOnce })) {
    mosaic.place(tile.row, tile.column, toChannels(tile.planes, image.channels));
    seconds += tile.seconds;
    onTile?.(++done, total);
  }
  return { image: mosaic.image, tiles: total, seconds, nonFinite: mosaic.nonFinite };
}

/** The values of the card's score, fidelity and alpha inputs, by the inputs' names. Nobody asks for an alpha: it is the card's. */
function wishesOf(card: ModelCard, request: RestoreRequest): Map<string, number> {
  const wishes = new Map<string, number>();
  for (const role of ['score', 'fidelity', 'alpha'] as const) {
    const input = card.inputs.find((tensor) => tensor.role === role);
    const asked = role === 'alpha' ? undefined : request[role];
    const wish = asked ?? card.defaults[role];
    if (input && wish !== undefined) wishes.set(input.name, wish);
    if (!input && asked !== undefined) {
      const message = `Expected no ${role} for model "${card.id}", which has no such input, but received ${asked}. Leave it out.`;
      throw new RestorationError('invalid-configuration', message);
    }
    if (input && wish === undefined) {
      const message = `Expected a ${role} for model "${card.id}" but none was given and its card has no default. Give one.`;
      throw new RestorationError('invalid-configuration', message);
    }
  }
  return wishes;
}

function planesOf(card: ModelCard, output: TensorValue | undefined, across: Window, down: Window): Float32Array {
  const expected = [1, 3, down.size, across.size];
  if (output?.data instanceof Float32Array && String(output.dims) === String(expected)) return output.data;
  const message = `Expected [${expected.join(', ')}] from model "${card.id}" but received [${output?.dims.join(', ')}]. Correct its card or its export.`;
  throw new RestorationError('model-mismatch', message);
}

function areaOf(across: Window, down: Window) {
  return { x: across.start, y: down.start, width: across.size, height: down.size };
}

function interrupted(done: number, total: number): RestorationError {
  return new RestorationError(
    'interrupted',
    `Interrupted after ${done} of ${total} tiles. Start again to restore the picture.`,
  );
}
