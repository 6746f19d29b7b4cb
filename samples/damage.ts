import sharp, { type Sharp } from 'sharp';

/** What a picture goes through. Sigmas in pixels and in 8-bit steps, `shrink` the factor of a smaller copy in between. */
export interface Damage {
  blur: number;
  shrink: number;
  noise: number;
  quality: number;
}

/** About what a careful phone, an old phone, and an old phone's picture sent twice in poor light look like. */
export const damages = {
  mild: { blur: 0.7, shrink: 1, noise: 6, quality: 65 },
  medium: { blur: 1.2, shrink: 1.25, noise: 12, quality: 45 },
  hard: { blur: 2, shrink: 1.5, noise: 20, quality: 28 },
} satisfies Record<string, Damage>;

export interface Pixels {
  data: Buffer;
  info: { width: number; height: number; channels: 1 | 2 | 3 | 4 };
}

/** Blur, shrink and enlarge, add noise, keep as JPEG: the order in which a camera does it. The same seed gives the same bytes. */
export async function damage(
  { data, info }: Pixels,
  { blur, shrink, noise, quality }: Damage,
  seed: number,
): Promise<Buffer> {
  const { width, height } = info;
  const small = { width: Math.round(width / shrink), height: Math.round(height / shrink) };
  // Without it one channel comes out as three.
  const space = info.channels === 1 ? 'b-w' : 'srgb';
  const raw = (pipeline: Sharp) => pipeline.toColourspace(space).raw().toBuffer();
  const blurred = await raw(sharp(data, { raw: info }).blur(blur));
  const shrunk = await raw(sharp(blurred, { raw: info }).resize({ ...small, kernel: 'cubic' }));
  const enlarged = sharp(shrunk, { raw: { ...info, ...small } }).resize({ width, height, kernel: 'linear' });
  const soft = await raw(enlarged);
  const next = normals(seed);
  for (const [i, value] of soft.entries()) soft[i] = Math.min(255, Math.max(0, Math.round(value + noise * next())));
  return sharp(soft, { raw: info }).toColourspace(space).jpeg({ quality }).toBuffer();
}

/** Normal deviates by Box and Muller over the mulberry32 generator. */
function normals(seed: number): () => number {
  let state = seed;
  const uniform = () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
  return () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
}
