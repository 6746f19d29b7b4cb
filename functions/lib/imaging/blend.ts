import { type Image, peakOf } from './image.ts';
import type { TilePlan, Window } from './tiles.ts';

/** Takes the restored tiles of one picture, row after row from the top left, and makes a picture of them. */
export interface Mosaic {
  /** @param tensor [channels, rows[row].size, columns[column].size] */
  place(row: number, column: number, tensor: Float32Array): void;
  /** Complete once every tile was placed. */
  readonly image: Image;
  /** Samples so far that were NaN or infinite; they are black or white in the picture. */
  readonly nonFinite: number;
}

/**
 * Cores are put where they belong; where the plan has a fade, neighbours are mixed across it with a raised cosine, whose
 * weights add up to one. Beside the picture itself, in bytes, only what still waits for a neighbour is kept: `fade` rows of
 * the picture and `fade` columns of a tile, as floats.
 * @param like gives size, channels and depth of the result
 * @param range the tensor's values that become black and peak white
 */
export function createMosaic(like: Image, plan: TilePlan, [low, high]: [number, number]): Mosaic {
  const { width, height, channels } = like;
  const { fade } = plan;
  const half = fade / 2;
  const peak = peakOf(like);
  const scale = peak / (high - low);
  const pixels = peak === 255 ? new Uint8Array(like.pixels.length) : new Uint16Array(like.pixels.length);
  const ramp = Float32Array.from({ length: fade }, (_, k) => 0.5 - 0.5 * Math.cos((Math.PI * (k + 0.5)) / fade));
  /** What tiles above gave to the rows that they share with those below: [channels, fade, width], already weighted. */
  const above = new Float32Array(channels * fade * width);
  /** What the tile to the left gave to the columns it shares with this one: [channels, rows, fade], already weighted. */
  let left = new Float32Array(0);
  let nonFinite = 0;

  const reach = (window: Window, index: number, count: number, length: number) => ({
    from: index === 0 ? 0 : window.coreStart - half,
    to: index === count - 1 ? length : Math.min(length, window.coreEnd + half),
    /** First sample of the stretch shared with the next window; the stretch shared with the one before is `fade` long. */
    next: index === count - 1 ? length : window.coreEnd - half,
    shared: index === 0 ? 0 : fade,
  });

  const place = (row: number, column: number, tensor: Float32Array): void => {
    const down = plan.rows[row];
    const across = plan.columns[column];
    if (!down || !across) throw new RangeError(`No tile ${row}, ${column} in a plan of ${plan.rows.length} rows.`);
    const x = reach(across, column, plan.columns.length, width);
    const y = reach(down, row, plan.rows.length, height);
    const right = new Float32Array(channels * (y.to - y.from) * fade);
    const line = new Float32Array(x.to - x.from);

    for (let channel = 0; channel < channels; channel++) {
      for (let v = y.from; v < y.to; v++) {
        const start = (channel * down.size + v - down.start) * across.size + x.from - across.start;
        line.set(tensor.subarray(start, start + line.length));
        const sideways = (channel * (y.to - y.from) + v - y.from) * fade;
        for (let k = 0; k < x.shared; k++) line[k] = (line[k] ?? 0) * (ramp[k] ?? 0) + (left[sideways + k] ?? 0);
        for (let u = x.next; u < x.to; u++) {
          const k = u - x.next;
          right[sideways + k] = (line[u - x.from] ?? 0) * (1 - (ramp[k] ?? 0));
        }

        const fromTop = v - y.from;
        const fromNext = v - y.next;
        if (fromTop < y.shared) {
          const stored = (channel * fade + fromTop) * width;
          const weight = ramp[fromTop] ?? 0;
          for (let u = x.from; u < x.next; u++) {
            line[u - x.from] = (line[u - x.from] ?? 0) * weight + (above[stored + u] ?? 0);
          }
        }
        if (fromNext >= 0) {
          const stored = (channel * fade + fromNext) * width;
          const weight = 1 - (ramp[fromNext] ?? 0);
          for (let u = x.from; u < x.next; u++) above[stored + u] = (line[u - x.from] ?? 0) * weight;
          continue;
        }
        let to = (v * width + x.from) * channels + channel;
        for (let u = x.from; u < x.next; u++) {
          const value = ((line[u - x.from] ?? 0) - low) * scale;
          if (!Number.isFinite(value)) nonFinite++;
          pixels[to] = value <= 0 ? 0 : value >= peak ? peak : Math.floor(value + 0.5);
          to += channels;
        }
      }
    }
    left = right;
  };

  return {
    place,
    image: { width, height, channels, pixels },
    get nonFinite() {
      return nonFinite;
    },
  };
}
