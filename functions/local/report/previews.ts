import { createHash } from 'node:crypto';
import { access, mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { preview } from '../../lib/imaging/codec.ts';

/** px. Fills a card on a dense screen; a picture up to that size is shown without being made smaller. */
const previewSide = 1280;
const thumbnailSide = 320;

/** Where previews lie, beside the page. */
export const previewFolder = 'report';

/** A picture made small for the page. Addresses are relative to the page. */
export interface Preview {
  url: string;
  thumbnail: string;
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
 * Makes a preview and a thumbnail, unless both are there already.
 * @param directory the report's
 * @returns undefined where the picture is gone, was changed or cannot be read
 */
export async function makePreview(directory: string, of: PreviewOf): Promise<Preview | undefined> {
  const name = createHash('sha256').update(of.identity).digest('hex').slice(0, 32);
  const sides = { url: previewSide, thumbnail: thumbnailSide };
  const made: Preview = {
    url: `${previewFolder}/${name}-${sides.url}.webp`,
    thumbnail: `${previewFolder}/${name}-${sides.thumbnail}.webp`,
    ...fitted(of, previewSide),
  };
  const paths = { url: join(directory, made.url), thumbnail: join(directory, made.thumbnail) };
  if ((await exists(paths.url)) && (await exists(paths.thumbnail))) return made;

  const bytes = await of.read();
  if (!bytes || (of.sha256 && createHash('sha256').update(bytes).digest('hex') !== of.sha256)) return undefined;
  await mkdir(join(directory, previewFolder), { recursive: true });
  try {
    const large = await preview(bytes, previewSide);
    await put(paths.url, large);
    await put(paths.thumbnail, await preview(large, thumbnailSide));
  } catch (thrown) {
    // A picture that cannot be shown is shown as missing; a full disk is the user's to know.
    if (thrown instanceof Error && 'syscall' in thrown) throw thrown;
    return undefined;
  }
  return made;
}

/** The size within a square of that side; nothing is enlarged. */
function fitted({ width, height }: { width: number; height: number }, side: number) {
  const scale = Math.min(1, side / Math.max(width, height));
  return { width: Math.max(1, Math.round(width * scale)), height: Math.max(1, Math.round(height * scale)) };
}

/** In one step, so that a report that was broken off leaves no half pictures. */
async function put(path: string, bytes: Buffer): Promise<void> {
  const staged = `${path}.${process.pid}.part`;
  await writeFile(staged, bytes);
  await rename(staged, path);
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
