import { z } from 'zod';
import type { Broken, CheckedRecord, WrittenRecord } from './checker.ts';

export interface Row {
  key: string;
  bytes: Buffer;
}

const rowKey = /^rows\/date=(\d{4}-\d{2}-\d{2})\/[0-9a-f]{64}\.json$/;

/** As much of a row as says whose it is. */
const CheckedRow = z.looseObject({ key: z.string(), source_version: z.string().optional(), status: z.string() });

/**
 * A row is put before its record, once for a version however often that was tried: each record has one row of its version,
 * of its own status, on one line, below the day on which the upload was accepted. Rows of overtaken versions stay.
 */
export function checkRows(rows: Row[], current: WrittenRecord[], broken: Broken): void {
  const rowsOf = new Map<string, { row: z.infer<typeof CheckedRow>; key: string }[]>();
  for (const { key, bytes } of rows) {
    const row = parsed(bytes);
    if (!row || !rowKey.test(key)) {
      broken(
        'row-as-recorded',
        key,
        `Expected a row on one line below its day, received ${bytes.toString().slice(0, 200)}`,
      );
      continue;
    }
    const of = JSON.stringify([row.key, row.source_version]);
    rowsOf.set(of, [...(rowsOf.get(of) ?? []), { row, key }]);
  }
  for (const { key, record } of current) {
    if (!record || record.version > 1) continue;
    const found = rowsOf.get(JSON.stringify([record.source.key, record.source.version])) ?? [];
    const [first] = found;
    if (!first || found.length > 1) {
      broken('row-as-recorded', key, `Expected one row of its version, found ${found.length}`);
    } else if (first.row.status !== record.status || rowKey.exec(first.key)?.[1] !== dayOf(record)) {
      broken(
        'row-as-recorded',
        key,
        `It is ${record.status} of ${dayOf(record)}, its row says ${first.row.status} at ${first.key}`,
      );
    }
  }
}

function dayOf({ createdAt }: CheckedRecord): string | undefined {
  return typeof createdAt === 'string' ? createdAt.slice(0, 10) : undefined;
}

/** A table's file holds a row a line: one that spans lines would be read as several. */
function parsed(bytes: Buffer): z.infer<typeof CheckedRow> | undefined {
  const text = bytes.toString();
  if (text.trimEnd().includes('\n')) return undefined;
  try {
    return CheckedRow.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}
