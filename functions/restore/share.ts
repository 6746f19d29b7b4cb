import pLimit from 'p-limit';
import { asRestorationError, RestorationError } from '../lib/contracts/errors.ts';
import type { Upload } from '../lib/contracts/object-event.ts';
import { type Outcome, type RestorationContext, restoreUpload } from './restore.ts';

/** One picture in the network, the next decoded, the last encoded. */
const picturesAtWork = 3;

export interface ShareResult {
  settled: { upload: Upload; outcome: Outcome }[];
  /** Handed back, or without a store that takes their record. */
  unsettled: { upload: Upload; error: RestorationError }[];
}

/** Works off one child's share; each picture commits for itself. */
export async function restoreShare(uploads: Upload[], context: RestorationContext): Promise<ShareResult> {
  const limit = pLimit(picturesAtWork);
  const result: ShareResult = { settled: [], unsettled: [] };
  await limit.map(uploads, async (upload) => {
    try {
      if (context.signal?.aborted)
        throw new RestorationError('interrupted', `Stopped before ${upload.key}. Run again to go on.`);
      const outcome = await restoreUpload(upload, context);
      result.settled.push({ upload, outcome });
      context.onProgress?.({ stage: 'settled', key: upload.key, outcome });
    } catch (thrown) {
      result.unsettled.push({ upload, error: asRestorationError(thrown) });
    }
  });
  return result;
}
