import { dispatch } from '../dispatch/dispatch.ts';
import type { Upload } from '../lib/contracts/object-event.ts';
import type { Settings } from '../lib/contracts/settings.ts';
import type { Installation } from '../lib/installation.ts';
import { readManifest } from '../lib/storage/read-manifest.ts';
import type { Engine } from '../restore/engine.ts';
import type { RestorationContext } from '../restore/restore.ts';
import { restoreShare, type ShareResult } from '../restore/share.ts';
import { takeTurns } from '../restore/turns.ts';
import { localJobQueue } from './job-queue.ts';

/** The cloud's chain on one machine: uploads -> dispatch -> manifest -> job queue -> restore. */
export async function runJobs(uploads: Upload[], context: Omit<RestorationContext, 'createdAt'>): Promise<ShareResult> {
  const { results, layout, settings, overwrite } = context;
  const total: ShareResult = { settled: [], unsettled: [] };
  const queue = localJobQueue(async (manifestKey, share) => {
    const manifest = await readManifest(results, manifestKey);
    const { settled, unsettled } = await restoreShare(manifest.shares[share] ?? [], {
      ...context,
      settings: manifest.settings,
      overwrite: manifest.overwrite,
      createdAt: new Date().toISOString(),
    });
    total.settled.push(...settled);
    total.unsettled.push(...unsettled);
  });
  if (uploads.length === 0) return total;
  const manifestKey = await dispatch(uploads, {
    settings,
    overwrite,
    store: results,
    layout,
    submitJob: queue.submitJob,
  });
  await queue.idle();
  // A job on this machine ends with its run: nobody will ask for its manifest again.
  await results.delete(manifestKey);
  return total;
}

/** What the local programs ask of a restoration alike. */
export function localContext(options: {
  installation: Installation;
  settings: Settings;
  overwrite?: boolean;
  engine: Engine;
  signal: AbortSignal;
}): Pick<RestorationContext, 'settings' | 'overwrite' | 'engine' | 'turns' | 'software' | 'signal'> {
  const { installation, settings, overwrite = false, engine, signal } = options;
  const software = { name: installation.name, version: installation.version };
  return { settings, overwrite, engine, turns: takeTurns(), software, signal };
}
