import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { acceptEvent, dispatch } from '../../functions/dispatch/dispatch.ts';
import { awsLayout } from '../../functions/lib/contracts/keys.ts';
import type { Upload } from '../../functions/lib/contracts/object-event.ts';
import { Settings } from '../../functions/lib/contracts/settings.ts';
import { FolderStore } from '../../functions/lib/storage/folder-store.ts';
import { objectCreated } from '../../functions/local/object-created.ts';
import { type Ended, ended, root } from './cli.ts';

export interface Share {
  child: ChildProcess;
  /** With the log's lines as they came. */
  ended: Promise<Ended & { lines: Record<string, unknown>[] }>;
}

/** Puts a manifest over files of an uploads folder, as dispatch would. */
export async function manifestOver(uploads: string, results: string, names: string[], asked: Partial<Settings> = {}) {
  const layout = awsLayout('');
  const accepted = await Promise.all(
    names.map(async (name) => acceptEvent(await objectCreated(uploads, name), layout) as Upload),
  );
  const settings = Settings.parse(asked);
  const store = new FolderStore({ root: results });
  return dispatch(accepted, { settings, overwrite: false, store, layout, submitJob: async () => {} });
}

/** Starts the container's program as a process, over two folders. */
export function startShare(uploads: string, results: string, manifest: string, env: NodeJS.ProcessEnv = {}): Share {
  return startContainer(['--local', uploads, results, '--manifest', manifest], env);
}

/** Starts the container's program as a process. */
export function startContainer(args: string[], env: NodeJS.ProcessEnv = {}): Share {
  const script = join(root, 'functions', 'restore', 'main.ts');
  const child = spawn(process.execPath, ['--import', import.meta.resolve('tsx'), script, ...args], {
    env: { ...process.env, IQPIR_THREADS: '1', ...env },
  });
  const told = ended(child).then((end) => ({ ...end, lines: end.stdout.split('\n').filter(Boolean).map(parsed) }));
  return { child, ended: told };
}

function parsed(line: string): Record<string, unknown> {
  return JSON.parse(line);
}
