import { describe, expect, it } from 'vitest';
import { RestorationRow, rowOf } from '../../../../functions/lib/contracts/row.ts';
import { deliveredRecord, recordedFace } from '../../../support/records.ts';

describe('what a row says of faces', () => {
  const kept = { ...recordedFace, quality: { before: 0.65 }, status: 'kept' as const };
  const worse = { ...recordedFace, quality: { before: 0.4, after: 0.9 }, status: 'worse' as const };
  const tiny = { ...recordedFace, quality: undefined, status: 'too-small' as const };

  it('counts them, and names the one that came out worst as it was delivered', () => {
    const row = RestorationRow.parse(rowOf(deliveredRecord({ faces: [recordedFace, kept, worse, tiny] })));
    expect(row).toMatchObject({ faces: 4, faces_restored: 1, worst_face: 0.4, worst_face_status: 'worse' });

    const better = rowOf(deliveredRecord({ faces: [recordedFace, tiny] }));
    expect(better).toMatchObject({ faces: 2, worst_face: 0.7, worst_face_status: 'restored' });
  });

  it('says nothing where none were looked for, and no worst one where none was judged', () => {
    expect(rowOf(deliveredRecord())).not.toHaveProperty('faces');
    const row = JSON.parse(JSON.stringify(rowOf(deliveredRecord({ faces: [tiny] }))));
    expect(row).toMatchObject({ faces: 1, faces_restored: 0 });
    expect(row).not.toHaveProperty('worst_face');
  });

  it('counts the time that faces took', () => {
    const timings = { fetch: 0, decode: 1, assess: 1, restore: 1, faces: 6, encode: 1, predictTime: 8, totalTime: 20 };
    expect(rowOf(deliveredRecord({ timings })).seconds).toBe(10);
  });
});
