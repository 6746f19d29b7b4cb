import { join } from 'node:path';
import { awsLayout } from '../../functions/lib/contracts/keys.ts';
import type { Upload } from '../../functions/lib/contracts/object-event.ts';
import { RestorationRecord } from '../../functions/lib/contracts/record.ts';
import { Settings } from '../../functions/lib/contracts/settings.ts';
import { FolderStore } from '../../functions/lib/storage/folder-store.ts';
import type { PutOptions } from '../../functions/lib/storage/store.ts';
import { type Engines, openEngines } from '../../functions/restore/engines.ts';
import type { RestorationContext } from '../../functions/restore/restore.ts';
import { takeTurns } from '../../functions/restore/turns.ts';
import { fixtureModel } from './model-cards.ts';
import { photoJpeg } from './pictures.ts';
import { keysOf, textOf } from './store-under-test.ts';

const decision = { assess: 'judge', good: 2, margin: 0.05 };
/** Two restorers and their judge: `local` takes score and fidelity, `identity` takes neither. */
export const models = [
  fixtureModel('local', { decision }),
  fixtureModel('identity', { decision }),
  fixtureModel('judge'),
];
export const layout = awsLayout('in/');
/** Always delivered: what the small models make of a picture is no better by any judge. */
export const settings = Settings.parse({ model: 'local', deliver: 'always' });
export const software = { name: 'iqpir-restore', version: 'test' };

/** Two folders for two buckets, and small real models. */
export interface Bench {
  uploads: FolderStore;
  results: FolderStore;
  context: RestorationContext;
  put(name: string, body?: Buffer, options?: PutOptions): Promise<Upload>;
  recordOf(name: string): Promise<RestorationRecord>;
  keys(prefix: string): Promise<string[]>;
}

export function openModels(): Promise<Engines> {
  return openEngines(models, settings, { device: 'cpu', threads: 1 });
}

export function openBench(folder: string, engines: Engines): Bench {
  const uploads = new FolderStore({ root: join(folder, 'uploads') });
  const results = new FolderStore({ root: join(folder, 'results') });
  let puts = 0;
  return {
    uploads,
    results,
    context: {
      source: uploads,
      results,
      layout,
      settings,
      overwrite: false,
      engine: engines.own,
      engineFor: engines.engineFor,
      turns: takeTurns(),
      software,
    },
    async put(name, body, options) {
      const { key, size, etag, version } = await uploads.put(`in/${name}`, body ?? (await photoJpeg(96, 64)), options);
      const sequencer = (++puts).toString(16).padStart(4, '0');
      return { bucket: uploads.bucket, key, size, etag, version, sequencer, eventTime: '2026-11-23T10:00:00Z' };
    },
    async recordOf(name) {
      const { body } = await results.get(`records/${name}.json`);
      return RestorationRecord.parse(JSON.parse(await textOf(body)));
    },
    keys: (prefix) => keysOf(results, prefix),
  };
}
