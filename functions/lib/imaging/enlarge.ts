import { RestorationError } from '../contracts/errors.ts';
import type { Warning } from '../contracts/record.ts';
import { type DecodedImage, type Image, peakOf } from './image.ts';

/**
 * Lanczos' kernel of three lobes at the places where a doubled picture's samples lie between the source's: a quarter of a pixel
 * behind one, and a quarter before it, which is the same backwards. (libvips, and so sharp, enlarges by a cubic kernel
 * whatever is asked for.)
 */
const before = normalised([-2.75, -1.75, -0.75, 0.25, 1.25, 2.25].map((x) => lanczos(x)));
const after = [...before].reverse();
const taps = before.length;

/** @throws RestorationError `too-many-pixels` where the doubled picture would have more than are allowed */
export function checkDoubled({ width, height }: { width: number; height: number }, maxPixels: number): void {
  if (4 * width * height <= maxPixels) return;
  const message = `Expected at most ${maxPixels} pixels, but ${width} x ${height} enlarged twofold is ${2 * width} x ${2 * height}. Leave --scale out or raise --max-pixels.`;
  throw new RestorationError('too-many-pixels', message);
}

/** Colour and alpha of twice the width and height, with a warning that says so: no detail comes of it. */
export function enlarge(decoded: DecodedImage): DecodedImage {
  const colour = doubled(decoded.colour);
  const alpha = decoded.alpha && doubled(decoded.alpha);
  const { width, height } = decoded.facts;
  const message = `Enlarged from ${width} x ${height} to ${colour.width} x ${colour.height} by Lanczos before anything else; that adds pixels and no detail.`;
  const warning: Warning = { code: 'enlarged', message };
  return { ...decoded, colour, alpha, warnings: [...decoded.warnings, warning] };
}

/** Beside the result, only as many rows as the kernel reaches over are kept as floats. The border is repeated. */
export function doubled(image: Image): Image {
  const { height, channels } = image;
  const length = 2 * image.width * channels;
  const peak = peakOf(image);
  const pixels = peak === 255 ? new Uint8Array(2 * height * length) : new Uint16Array(2 * height * length);
  /** Rows of twice the width, the row of number y at y modulo the kernel's reach. */
  const wide = Array.from({ length: taps }, () => new Float32Array(length));
  const rowAt = (y: number) => wide[Math.min(Math.max(y, 0), height - 1) % taps] ?? new Float32Array(length);
  // The second of a row's two results looks three rows ahead, the first two.
  for (let y = 0; y < Math.min(3, height); y++) widen(image, y, rowAt(y));
  for (let y = 0; y < height; y++) {
    mix(
      Array.from({ length: taps }, (_, tap) => rowAt(y - 3 + tap)),
      before,
      pixels,
      2 * y * length,
      peak,
    );
    if (y + 3 < height) widen(image, y + 3, rowAt(y + 3));
    mix(
      Array.from({ length: taps }, (_, tap) => rowAt(y - 2 + tap)),
      after,
      pixels,
      (2 * y + 1) * length,
      peak,
    );
  }
  return { width: 2 * image.width, height: 2 * height, channels, pixels };
}

/** One row of a picture at twice its width. */
function widen({ width, channels, pixels }: Image, y: number, to: Float32Array): void {
  // The row with its border repeated as far as the kernel reaches: three samples on each side.
  const row = new Float32Array((width + taps) * channels);
  for (let at = 0; at < row.length; at++) {
    const x = Math.min(Math.max(Math.floor(at / channels) - 3, 0), width - 1);
    row[at] = pixels[(y * width + x) * channels + (at % channels)] ?? 0;
  }
  const shifted = (by: number) => row.subarray(by * channels, (by + width) * channels);
  for (const [phase, weights, first] of [
    [0, before, 0],
    [1, after, 1],
  ] as const) {
    const line = new Float32Array(width * channels);
    sum(
      Array.from(weights, (_, tap) => shifted(first + tap)),
      weights,
      line,
    );
    for (let x = 0; x < width; x++) {
      for (let channel = 0; channel < channels; channel++) {
        to[(2 * x + phase) * channels + channel] = line[x * channels + channel] ?? 0;
      }
    }
  }
}

function mix(rows: Float32Array[], weights: number[], to: Image['pixels'], start: number, peak: number): void {
  const line = new Float32Array(rows[0]?.length ?? 0);
  sum(rows, weights, line);
  for (let at = 0; at < line.length; at++) {
    const value = line[at] ?? 0;
    to[start + at] = value <= 0 ? 0 : value >= peak ? peak : Math.floor(value + 0.5);
  }
}

/** The hot loop: written out, so that nothing is looked up in it. */
function sum(rows: Float32Array[], weights: number[], to: Float32Array): void {
  const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0] = weights;
  const [one = to, two = to, three = to, four = to, five = to, six = to] = rows;
  for (let at = 0; at < to.length; at++) {
    const first = a * (one[at] ?? 0) + b * (two[at] ?? 0) + c * (three[at] ?? 0);
    to[at] = first + d * (four[at] ?? 0) + e * (five[at] ?? 0) + f * (six[at] ?? 0);
  }
}

function lanczos(x: number): number {
  const turn = Math.PI * x;
  return (3 * Math.sin(turn) * Math.sin(turn / 3)) / (turn * turn);
}

function normalised(weights: number[]): number[] {
  const sum = weights.reduce((total, weight) => total + weight, 0);
  return weights.map((weight) => weight / sum);
}
