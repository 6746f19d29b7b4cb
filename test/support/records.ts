import { faultOf } from '../../functions/lib/contracts/errors.ts';
import type { DeliveredRecord, Face, RestorationRecord } from '../../functions/lib/contracts/record.ts';
import { Settings } from '../../functions/lib/contracts/settings.ts';

const hash = 'a'.repeat(64);
const at = '2026-11-23T10:00:00.000Z';

const common: Omit<Extract<RestorationRecord, { status: 'failed' }>, 'status' | 'error'> = {
  version: 1,
  source: { bucket: 'b', key: 'a.jpg', version: '1', size: 3 },
  settings: Settings.parse({}),
  settingsHash: hash,
  software: { name: 'iqpir-restore', version: '0.1.0' },
  createdAt: at,
  startedAt: at,
  completedAt: at,
  warnings: [],
};

/** A valid record of a restored picture, with what a test wants to say of it. */
export function deliveredRecord(changes: Partial<DeliveredRecord> = {}): RestorationRecord {
  return {
    ...common,
    status: 'succeeded',
    result: { bucket: 'b', key: 'a.jpg', sha256: hash, size: 3, format: 'jpeg', width: 4, height: 3 },
    image: {
      format: 'jpeg',
      width: 4,
      height: 3,
      channels: 3,
      bitDepth: 8,
      hasAlpha: false,
      hasProfile: false,
      orientation: 1,
      pages: 1,
    },
    assessment: [
      {
        metric: 'iqa-photo',
        model: { id: 'iqa-photo', version: '1', sha256: hash },
        range: [0, 1],
        direction: 'higher-is-better',
        before: 0.4,
        after: 0.8,
      },
    ],
    decision: { delivered: 'restored', reason: 'better', message: 'rose by 0.40' },
    models: [{ id: 'iqpir-photo', task: 'restore', version: '1', sha256: hash }],
    timings: { fetch: 0, decode: 0.1, assess: 0.1, restore: 1, encode: 0.1, predictTime: 1.1, totalTime: 1.3 },
    tiles: 1,
    device: 'cpu',
    peakMemory: 1e8,
    ...changes,
  } as RestorationRecord;
}

/** A valid record of a picture that could not be restored. */
export function failedRecord(
  changes: Partial<typeof common> = {},
  fault: 'input' | 'transient' = 'input',
): RestorationRecord {
  const code = fault === 'input' ? 'corrupt-image' : 'internal';
  return {
    ...common,
    ...changes,
    status: 'failed',
    error: { code, fault: faultOf[code], message: 'Expected a picture.' },
  };
}

/** A valid face of a record: found, and restored. */
export const recordedFace: Face = {
  box: { x: 0.25, y: 0.2, width: 0.25, height: 0.5 },
  landmarks: { 'left-eye': { x: 0.3, y: 0.4 }, 'right-eye': { x: 0.42, y: 0.4 } },
  detectionScore: 0.93,
  sourcePixels: 120,
  enlargement: 2.5,
  quality: { before: 0.3, after: 0.7 },
  identity: { consistency: 0.97, distance: 0.2 },
  status: 'restored',
  reason: 'The score went from 0.300 to 0.700.',
};
