import sharp from 'sharp';
import { type Image, peakOf } from '../../functions/lib/imaging/image.ts';

/** Repeatable numbers in 0..1 (mulberry32). */
export function random(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** An 8-bit picture from a function of place and channel, 0 to 255. */
export function draw(
  width: number,
  height: number,
  channels: 1 | 3,
  value: (x: number, y: number, channel: number) => number,
): Image {
  const pixels = new Uint8Array(width * height * channels);
  let at = 0;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      for (let channel = 0; channel < channels; channel++) {
        pixels[at++] = Math.min(255, Math.max(0, Math.round(value(x, y, channel))));
      }
    }
  }
  return { width, height, channels, pixels };
}

/**
 * Something with the statistics of a photograph: coloured clouds of every size (amplitude by 1 / frequency), and discs with
 * sharp edges before them.
 */
export function photoLike(width: number, height: number, { seed = 1, channels = 3 as 1 | 3 } = {}): Image {
  const next = random(seed);
  const waves = Array.from({ length: 60 }, (_, index) => {
    const frequency = 2 ** ((index / 60) * 7) / 512;
    const angle = next() * 2 * Math.PI;
    return {
      u: 2 * Math.PI * frequency * Math.cos(angle),
      v: 2 * Math.PI * frequency * Math.sin(angle),
      phase: next() * 2 * Math.PI,
      amplitudes: [0, 1, 2].map(() => (0.4 + 0.6 * next()) * 12 * (1 / (frequency * 512)) ** 0.6),
    };
  });
  const discs = Array.from({ length: 14 }, () => ({
    x: next() * width,
    y: next() * height,
    radius: (0.04 + 0.12 * next()) * Math.max(width, height),
    colour: [0, 1, 2].map(() => 160 * (next() - 0.5)),
  }));
  const values = new Float32Array(width * height * channels);
  for (const { u, v, phase, amplitudes } of waves) {
    // sin(a + b) from tables: one sine a column and one a row instead of one a pixel.
    const sines = Float32Array.from({ length: width }, (_, x) => Math.sin(u * x));
    const cosines = Float32Array.from({ length: width }, (_, x) => Math.cos(u * x));
    let at = 0;
    for (let y = 0; y < height; y++) {
      const sine = Math.sin(v * y + phase);
      const cosine = Math.cos(v * y + phase);
      for (let x = 0; x < width; x++) {
        const wave = (sines[x] ?? 0) * cosine + (cosines[x] ?? 0) * sine;
        for (let channel = 0; channel < channels; channel++, at++) {
          values[at] = (values[at] ?? 0) + (amplitudes[channel] ?? 0) * wave;
        }
      }
    }
  }
  return draw(width, height, channels, (x, y, channel) => {
    const disc = discs.find((one) => (x - one.x) ** 2 + (y - one.y) ** 2 < one.radius ** 2);
    const wave = values[(y * width + x) * channels + channel] ?? 0;
    return 118 + 10 * channel + wave + (disc?.colour[channel] ?? 0);
  });
}

/** The same picture with 16 bits a sample: every value between the steps of 8 bit occurs as well. */
export function with16Bit({ width, height, channels, pixels }: Image, seed = 5): Image {
  const next = random(seed);
  const deep = Uint16Array.from(pixels, (value) => Math.min(65_535, value * 257 + Math.floor(next() * 257)));
  return { width, height, channels, pixels: deep };
}

/** Every sample through a function; values are rounded and clamped. */
export function changed(image: Image, value: (sample: number, channel: number) => number): Image {
  const peak = peakOf(image);
  const pixels = image.pixels.map((sample, at) =>
    Math.min(peak, Math.max(0, Math.round(value(sample, at % image.channels)))),
  );
  return { ...image, pixels };
}

/** @param sigma standard deviation of white Gaussian noise, in the picture's own units */
export function noisy(image: Image, sigma: number, seed = 7): Image {
  const next = random(seed);
  return changed(image, (sample) => {
    const gauss = Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next());
    return sample + sigma * gauss;
  });
}

/** Content moved right and down; the border is repeated. */
export function shifted(image: Image, pixels: number): Image {
  const { width, height, channels } = image;
  const at = (x: number, y: number) => (Math.max(0, y - pixels) * width + Math.max(0, x - pixels)) * channels;
  return draw(width, height, channels, (x, y, channel) => image.pixels[at(x, y) + channel] ?? 0);
}

/** 8 bit only. */
export async function blurred(image: Image, sigma: number): Promise<Image> {
  return fromSharp(image, toSharp(image).blur(sigma));
}

/** 8 bit only: through a JPEG of this quality, chroma halved as most cameras and sites do. */
export async function asJpeg(image: Image, quality: number): Promise<Image> {
  return fromSharp(image, sharp(await toSharp(image).jpeg({ quality }).toBuffer()));
}

function toSharp({ width, height, channels, pixels }: Image) {
  return sharp(pixels, { raw: { width, height, channels } });
}

async function fromSharp(like: Image, pipeline: ReturnType<typeof sharp>): Promise<Image> {
  const colour = like.channels === 1 ? 'b-w' : 'srgb';
  const { data, info } = await pipeline.toColourspace(colour).raw().toBuffer({ resolveWithObject: true });
  const { channels } = like;
  if (info.channels !== channels) throw new Error(`Expected ${channels} channels but sharp gave ${info.channels}.`);
  return { width: info.width, height: info.height, channels, pixels: new Uint8Array(data) };
}
