import type { Upload } from '../../lib/contracts/object-event.ts';
import type { CommittedRecord } from '../../lib/contracts/record.ts';
import { hashSettings, type Settings } from '../../lib/contracts/settings.ts';
import { findModel, type RegisteredModel } from '../../lib/inference/registry.ts';
import type { Installation } from '../../lib/installation.ts';
import type { ObjectStore } from '../../lib/storage/store.ts';
import { decisionOf } from '../../restore/engine.ts';
import { installedModels } from '../local-engine.ts';

/**
 * The identity that a restoration would have today: by the models installed here, which are those of the container that was
 * built from this version, and by what is asked now.
 */
export async function hashOfToday(
  settings: Settings,
  _uploads: Pick<ObjectStore, 'head'>,
  installation: Installation,
): Promise<(upload: Upload, record: CommittedRecord) => Promise<string>> {
  const registry = await installedModels(installation);
  const usual = hashWith(settings, registry);
  return async () => usual;
}

function hashWith(settings: Settings, registry: RegisteredModel[]): string {
  const restorer = findModel(registry, settings.model, 'restore').card;
  const assessor = findModel(registry, decisionOf(restorer).assess, 'assess').card;
  return hashSettings(settings, [restorer.sha256, assessor.sha256]);
}
