import { readdir, realpath, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { bookkeepingFolder, isBookkeeping } from './bookkeeping.ts';
import { fileError, isMissing } from './file-error.ts';
import { isWithin } from './folder-key.ts';

export interface FoundFile {
  key: string;
  path: string;
}

/**
 * Files below a root whose keys start with a prefix, in the order of the keys' UTF-8 bytes. Folders named `.iqpir` are
 * passed over unless the prefix leads into one. Links to folders are followed inside the root, never out of it nor in
 * circles. Folders that may not be read are passed over and reported at the end as `source-unreadable`.
 */
export async function* walkFiles(root: string, prefix: string): AsyncGenerator<FoundFile> {
  const start = prefix.slice(0, prefix.lastIndexOf('/') + 1);
  const folder = join(root, start);
  const denied: unknown[] = [];
  let realRoot: string;
  let realFolder: string;
  try {
    realRoot = await realpath(root);
    realFolder = await realpath(folder);
  } catch (error) {
    if (isMissing(error)) return;
    throw fileError(error, `Listing ${folder}`);
  }
  if (!isWithin(realRoot, realFolder)) return;
  const walk = { realRoot, prefix, denied };
  yield* walkFolder(walk, { key: start, path: folder, chain: chainTo(realRoot, realFolder) });
  if (denied.length > 0) throw fileError(denied[0], `Listing ${denied.length} of the folders below ${folder}`);
}

interface Walk {
  realRoot: string;
  prefix: string;
  denied: unknown[];
}

interface Folder {
  /** Empty or ending in a slash. */
  key: string;
  path: string;
  /** Real paths of this folder and the ones that led here. */
  chain: string[];
}

async function* walkFolder(walk: Walk, folder: Folder): AsyncGenerator<FoundFile> {
  for (const entry of await entriesOf(walk, folder)) {
    const key = folder.key + entry.name;
    const path = join(folder.path, entry.name);
    if (!entry.chain) yield { key, path };
    else yield* walkFolder(walk, { key: `${key}/`, path, chain: entry.chain });
  }
}

interface Entry {
  name: string;
  /** Present for a folder. */
  chain?: string[];
}

async function entriesOf(walk: Walk, folder: Folder): Promise<Entry[]> {
  const found: { entry: Entry; order: Buffer }[] = [];
  for (const entry of await readFolder(walk, folder.path)) {
    const { name } = entry;
    const path = join(folder.path, name);
    let chain: string[] | undefined;
    if (entry.isDirectory()) chain = [...folder.chain, join(folder.chain.at(-1) ?? folder.path, name)];
    else if (entry.isSymbolicLink()) {
      const target = await targetOf(path);
      if (!target) continue;
      if (target.isFolder) {
        if (!isWithin(walk.realRoot, target.path) || folder.chain.some((above) => above === target.path)) continue;
        chain = [...folder.chain, target.path];
      }
    } else if (!entry.isFile()) continue;
    if (chain && name === bookkeepingFolder) continue;
    // A folder's keys go on with a slash: "a.b" comes before "a/b", "a0" after it.
    const order = chain ? `${folder.key}${name}/` : folder.key + name;
    if (isBookkeeping(order.split('/'))) continue;
    if (!order.startsWith(walk.prefix) && !(chain && walk.prefix.startsWith(order))) continue;
    found.push({ entry: { name, chain }, order: Buffer.from(order) });
  }
  return found.sort((a, b) => Buffer.compare(a.order, b.order)).map(({ entry }) => entry);
}

function chainTo(realRoot: string, realFolder: string): string[] {
  return realFolder === realRoot ? [realRoot] : [...chainTo(realRoot, dirname(realFolder)), realFolder];
}

async function readFolder(walk: Walk, path: string) {
  try {
    return await readdir(path, { withFileTypes: true });
  } catch (error) {
    if (isMissing(error)) return [];
    const failure = fileError(error, `Listing ${path}`);
    if (failure.code !== 'source-unreadable') throw failure;
    walk.denied.push(error);
    return [];
  }
}

/** Undefined for a link that leads nowhere or round in a circle. */
async function targetOf(link: string): Promise<{ path: string; isFolder: boolean } | undefined> {
  try {
    const target = await stat(link);
    if (!target.isDirectory()) return target.isFile() ? { path: link, isFolder: false } : undefined;
    return { path: await realpath(link), isFolder: true };
  } catch {
    return undefined;
  }
}
