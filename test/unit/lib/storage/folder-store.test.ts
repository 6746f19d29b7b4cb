import { join } from 'node:path';
import { bookkeepingOf } from '../../../../functions/lib/storage/bookkeeping.ts';
import { FolderStore } from '../../../../functions/lib/storage/folder-store.ts';
import { readMetadata } from '../../../../functions/lib/storage/metadata-files.ts';
import { describeStoreContract } from '../../../support/store-contract.ts';
import { temporaryFolder } from '../../../support/temporary-folder.ts';

describeStoreContract('FolderStore', async () => {
  const { path, dispose } = await temporaryFolder();
  const root = join(path, 'bucket');
  const store = new FolderStore({ root });
  return {
    store,
    other: new FolderStore({ root }),
    keepsVersions: false,
    extraKeys: ['x'.repeat(255), `${'long/'.repeat(400)}file.jpg`],
    async tagsOf(key) {
      const head = await store.head(key);
      return (await readMetadata(bookkeepingOf(root), key, head?.etag ?? '')).tags;
    },
    dispose,
  };
});
