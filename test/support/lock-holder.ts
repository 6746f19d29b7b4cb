/** Takes a lock and keeps it until killed: `lock-holder.ts ROOT NAME`. */
import { bookkeepingOf } from '../../functions/lib/storage/bookkeeping.ts';
import { withLock } from '../../functions/lib/storage/file-lock.ts';

const [root = '', name = ''] = process.argv.slice(2);

await withLock(bookkeepingOf(root), name, async () => {
  console.log('locked');
  await new Promise((resolve) => setTimeout(resolve, 600_000));
});
