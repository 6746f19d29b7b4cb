import { z } from 'zod';
import { RestorationRecord } from './record.ts';

/**
 * The record's JSON Schema (draft 2020-12), for those who read records without this code. `record.schema.json` beside this
 * file is its text; `npm run schema` writes it anew, and a test fails where it is out of date.
 */
export function recordSchema(): z.core.JSONSchema.BaseSchema {
  const { $schema, ...schema } = z.toJSONSchema(RestorationRecord);
  return {
    $schema,
    $id: 'urn:iqpir-restore:record:1',
    title: 'Restoration record, version 1',
    description: 'What became of one upload: restored, left unchanged, or failed. Written last, it commits the result.',
    ...schema,
  };
}
