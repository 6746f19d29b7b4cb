import { asRestorationError } from '../../lib/contracts/errors.ts';
import type { Upload } from '../../lib/contracts/object-event.ts';
import type { CommittedRecord } from '../../lib/contracts/record.ts';
import { hashSettings, type Settings } from '../../lib/contracts/settings.ts';
import type { RegisteredModel } from '../../lib/inference/registry.ts';
import type { ObjectStore } from '../../lib/storage/store.ts';
import { describeModels } from '../../restore/engine.ts';
import { requestOf } from '../../restore/request.ts';

/**
 * The identity that an upload's restoration would have today: by the models of this installation, which are those of the
 * container that was built from it, by what is asked now, and by what the upload's own metadata ask. The metadata take a
 * request of their own, so they are read only where the record differs from what is usual.
 * @throws RestorationError `model-not-found` where what is asked needs a model that is not installed here
 */
export function hashOfToday(
  settings: Settings,
  uploads: Pick<ObjectStore, 'head'>,
  registry: RegisteredModel[],
): (upload: Upload, record: CommittedRecord) => Promise<string> {
  // The device is no part of a result's identity.
  const models = (wanted: Settings) => describeModels(registry, wanted, 'cpu');
  const usual = hashSettings(settings, models(settings).hashes);
  return async ({ key, version }, { settingsHash }) => {
    if (settingsHash === usual) return usual;
    const head = await uploads.head(key, { version });
    try {
      const own = requestOf(head?.metadata ?? {}, settings, models);
      return hashSettings(own.settings, own.engine.hashes);
    } catch (thrown) {
      // It will fail again as it did, by its own wishes: nothing that other models or settings would change.
      if (asRestorationError(thrown).code === 'invalid-request') return settingsHash ?? usual;
      throw thrown;
    }
  };
}
