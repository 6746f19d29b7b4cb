import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { recordSchema } from '../../../../functions/lib/contracts/record-schema.ts';
import { deliveredRecord, failedRecord } from '../../../support/records.ts';

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

  test('refuses another version, an unknown status and a field that is not described', () => {
    const schema = z.fromJSONSchema(recordSchema() as Parameters<typeof z.fromJSONSchema>[0]);
    for (const change of [{ version: 2 }, { status: 'done' }, { mood: 'good' }]) {
      expect(schema.safeParse({ ...deliveredRecord(), ...change }).success, JSON.stringify(change)).toBe(false);
    }
  });
});
