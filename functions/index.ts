/**
 * What the package offers to programs: the restoration itself, the stores it works on, and the schemas of what it reads and
 * writes. Everything else is the `iqpir` command's own. See the end of test/e2e/package.test.ts for a whole program.
 */
export { type ErrorCode, type Fault, RestorationError } from './lib/contracts/errors.ts';
export { awsLayout, bucketLayout, folderLayout, type KeyLayout, recordKey, resultKey } from './lib/contracts/keys.ts';
export { JobManifest } from './lib/contracts/manifest.ts';
export { ModelCard, ModelRegistry } from './lib/contracts/model-card.ts';
export { ObjectEvent, Upload, uploadOf } from './lib/contracts/object-event.ts';
export { RestorationRecord } from './lib/contracts/record.ts';
export { recordSchema } from './lib/contracts/record-schema.ts';
export { RestorationCompleted } from './lib/contracts/restoration-completed.ts';
export { RestorationRow } from './lib/contracts/row.ts';
export { Settings } from './lib/contracts/settings.ts';
export type { Device } from './lib/inference/messages.ts';
export { findModel, loadRegistry, type RegisteredModel, verifyModel } from './lib/inference/registry.ts';
export { findInstallation, type Installation } from './lib/installation.ts';
export type { RecordFollowers } from './lib/storage/commit.ts';
export { FolderStore } from './lib/storage/folder-store.ts';
export { S3Store } from './lib/storage/s3-store.ts';
export type { ObjectHead, ObjectInfo, ObjectStore, PutOptions } from './lib/storage/store.ts';
export { type Engine, openEngine } from './restore/engine.ts';
export { type Engines, openEngines } from './restore/engines.ts';
export { type Outcome, type Progress, type RestorationContext, restoreUpload } from './restore/restore.ts';
export { restoreShare, type ShareResult } from './restore/share.ts';
export { type Turns, takeTurns } from './restore/turns.ts';
