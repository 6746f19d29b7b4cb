import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { recordSchema } from '../../../../functions/lib/contracts/record-schema.ts';
import { deliveredRecord, failedRecord, recordedFace } from '../../../support/records.ts';

const published = '../../../../functions/lib/contracts/record.schema.json';

describe("the record's JSON Schema", () => {
  test('is published as the code has it; npm run schema brings it up to date', async () => {
    await expect(`${JSON.stringify(recordSchema(), null, 2)}\n`).toMatchFileSnapshot(published);
  });

  test('takes records of every status', () => {
    const schema = z.fromJSONSchema(recordSchema() as Parameters<typeof z.fromJSONSchema>[0]);
    for (const record of [deliveredRecord(), failedRecord()]) {
      expect(schema.safeParse(JSON.parse(JSON.stringify(record))).error).toBeUndefined();
    }
  });

  test('takes records with faces, and refuses a face whose status is not known', () => {
    const schema = z.fromJSONSchema(recordSchema() as Parameters<typeof z.fromJSONSchema>[0]);
    const recordWith = (face: object) => ({
      ...deliveredRecord(),
      faceTreatment: { as: 'faces', reason: 'restored', message: '1 of 1 faces was restored.' },
      faces: [face],
    });
    expect(schema.safeParse(recordWith(recordedFace)).error).toBeUndefined();
    expect(schema.safeParse(recordWith({ ...recordedFace, status: 'beautified' })).success).toBe(false);
    expect(schema.safeParse(recordWith({ ...recordedFace, landmarks: { chin: { x: 0, y: 0 } } })).success).toBe(false);
  });

  test('refuses another version, an unknown status and a field that is not described', () => {
    const schema = z.fromJSONSchema(recordSchema() as Parameters<typeof z.fromJSONSchema>[0]);
    for (const change of [{ version: 2 }, { status: 'done' }, { mood: 'good' }]) {
      expect(schema.safeParse({ ...deliveredRecord(), ...change }).success, JSON.stringify(change)).toBe(false);
    }
  });
});
