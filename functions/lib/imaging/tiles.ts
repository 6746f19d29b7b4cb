import { RestorationError } from '../contracts/errors.ts';
import type { ModelCard } from '../contracts/model-card.ts';

type SizeRules = ModelCard['size'];
type Tiling = NonNullable<ModelCard['tiling']>;

/** One side of a tile, in pixels of the padded picture. */
export interface Window {
  /** A multiple of the model's. */
  start: number;
  size: number;
  /** The part of the picture that this window answers for; the cores of all windows follow each other without a gap. */
  coreStart: number;
  coreEnd: number;
}

/** A picture cut into `columns.length * rows.length` tiles, all of the same size. */
export interface TilePlan {
  width: number;
  height: number;
  columns: Window[];
  rows: Window[];
  fade: number;
}

/**
 * Cuts a picture into as few tiles as the largest side allows, evenly sized. Every window begins on the model's grid; its
 * core keeps `overlap` px (and half the fade) away from every side where the window was cut out of the picture. At the
 * picture's own border there is nothing to keep away from; there the window ends at the padded border.
 * @throws `model-mismatch` where the picture must be cut and the largest side leaves no core between the overlaps
 */
export function planTiles(width: number, height: number, size: SizeRules, tiling: Tiling): TilePlan {
  const needed = roundUp(Math.max(width, height, size.minimum), size.multiple);
  // A picture that one tile holds is not cut, so there need be no room for what neighbours share.
  if (needed > tiling.tile && tiling.tile < smallestTile(size, tiling)) {
    const message = `Expected a tile of at least ${smallestTile(size, tiling)} px (overlap ${tiling.overlap}, fade ${tiling.fade}, multiple ${size.multiple}) but received ${tiling.tile}. Raise "tiling.tile" in the model's card.`;
    throw new RestorationError('model-mismatch', message);
  }
  return {
    width,
    height,
    columns: planAxis(width, size, tiling),
    rows: planAxis(height, size, tiling),
    fade: tiling.fade,
  };
}

/** The smallest `tile` that `planTiles` takes: two steps of the grid more than what neighbours share and fade. */
export function smallestTile(size: SizeRules, { overlap, fade }: Omit<Tiling, 'tile'>): number {
  const shared = roundUp(2 * overlap + fade, size.multiple);
  return Math.max(roundUp(size.minimum, size.multiple), shared + roundUp(2 * fade, size.multiple) + 2 * size.multiple);
}

function planAxis(length: number, { minimum, multiple }: SizeRules, tiling: Tiling): Window[] {
  // Counted in steps of the grid, so that every start and size is a multiple.
  const whole = Math.ceil(Math.max(length, minimum) / multiple);
  const largest = Math.floor(tiling.tile / multiple);
  const shared = Math.ceil((2 * tiling.overlap + tiling.fade) / multiple);
  const count = whole <= largest ? 1 : Math.ceil((whole - shared) / (largest - shared));
  const size = count === 1 ? whole : Math.ceil((whole + (count - 1) * shared) / count);
  const starts = Array.from({ length: count }, (_, index) =>
    count === 1 ? 0 : Math.floor((index * (whole - size)) / (count - 1)) * multiple,
  );
  // Cores meet in the middle of what two windows share.
  const bounds = starts
    .slice(1)
    .map((start, index) => Math.floor((start + (starts[index] ?? 0) + size * multiple) / 2));
  return starts.map((start, index) => ({
    start,
    size: size * multiple,
    coreStart: bounds[index - 1] ?? 0,
    coreEnd: bounds[index] ?? length,
  }));
}

function roundUp(value: number, multiple: number): number {
  return Math.ceil(value / multiple) * multiple;
}
