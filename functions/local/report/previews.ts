import { createHash, randomUUID } from 'node:crypto';
import { access, mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { preview } from '../../lib/imaging/codec.ts';

/** px. The preview fills a card on a dense screen; a picture up to that size is shown without being made smaller. */
export const previewSides = { large: 1280 };
export const sidesWithThumbnail = { ...previewSides, thumbnail: 320 };

/** Where previews lie, beside the page. */
export const previewFolder = 'report';

/** A picture made small for the page. The address is relative to the page. */
export interface Preview {
  url: string;
  width: number;
  height: number;
}

export interface PreviewOf {
  /** Names the bytes; the previews are named by it, so the same bytes are never made small twice. */
  identity: string;
  /** sha256 that the bytes must have, where it is known: a file that was changed since is not shown as what it was. */
  sha256: string | undefined;
  width: number;
  height: number;
  read(): Promise<Buffer | undefined>;
}

/**
 * Makes a preview of each size, unless they are all there already.
 * @param directory the report's
 * @returns one for each side; undefined where the picture is gone, was changed or cannot be read
 */
export async function makePreviews<Sides extends Record<string, number>>(
  directory: string,
  sides: Sides,
  of: PreviewOf,
): Promise<Record<keyof Sides, Preview> | undefined> {
  const name = createHash('sha256').update(of.identity).digest('hex').slice(0, 32);
  const planned = Object.entries(sides).map(([size, side]) => {
    const url = `${previewFolder}/${name}-${side}.webp`;
    return { size, side, path: join(directory, url), shown: { url, ...fitted(of, side) } };
  });
  const made = Object.fromEntries(planned.map(({ size, shown }) => [size, shown])) as Record<keyof Sides, Preview>;
  if ((await Promise.all(planned.map(({ path }) => exists(path)))).every(Boolean)) return made;

  const bytes = await of.read();
  if (!bytes || (of.sha256 && createHash('sha256').update(bytes).digest('hex') !== of.sha256)) return undefined;
  await mkdir(join(directory, previewFolder), { recursive: true });
  for (const { path, side } of planned) {
    const small = await preview(bytes, side).catch(() => undefined);
    // What cannot be shown is shown as missing.
    if (!small) return undefined;
    await put(path, small);
  }
  return made;
}

/** The size within a square of that side; nothing is enlarged. */
function fitted({ width, height }: { width: number; height: number }, side: number) {
  const scale = Math.min(1, side / Math.max(width, height));
  return { width: Math.max(1, Math.round(width * scale)), height: Math.max(1, Math.round(height * scale)) };
}

/** In one step, so that a report that was broken off leaves no half pictures, and two of the same bytes do not meet. */
async function put(path: string, bytes: Buffer): Promise<void> {
  const staged = `${path}.${randomUUID()}.part`;
  await writeFile(staged, bytes);
  await rename(staged, path);
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
