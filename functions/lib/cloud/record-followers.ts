import { rowKey } from '../contracts/keys.ts';
import { completedOf, restorationCompleted } from '../contracts/restoration-completed.ts';
import { RestorationRow, rowOf } from '../contracts/row.ts';
import type { RecordFollowers } from '../storage/commit.ts';
import type { ObjectStore } from '../storage/store.ts';
import { eventBus, type SendEvent } from './event-bus.ts';

/** What follows a record on AWS: its row before it, an event after it where somebody named a bus. */
export function recordFollowers(options: { results: ObjectStore; eventBus: string | undefined }): RecordFollowers {
  return followersOver(options.results, options.eventBus === undefined ? undefined : eventBus(options.eventBus));
}

export function followersOver(results: ObjectStore, send: SendEvent | undefined): RecordFollowers {
  return {
    async beforeCommit(record) {
      const row = `${JSON.stringify(RestorationRow.parse(rowOf(record)))}\n`;
      await results.put(rowKey(record.createdAt, record.source), Buffer.from(row), { contentType: 'application/json' });
    },
    async afterCommit(record, key) {
      await send?.({ ...restorationCompleted, detail: completedOf(record, { bucket: results.bucket, key }) });
    },
  };
}
