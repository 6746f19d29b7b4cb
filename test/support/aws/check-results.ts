import type { Broken, WrittenRecord } from './checker.ts';

/** An object below results/, as a reader finds it. */
export interface DeliveredObject {
  key: string;
  sha256: string;
  /** bytes */
  size: number;
}

/** A record that is not failed names one result, whose bytes are as it says; no two name the same, and none lies there unnamed. */
export function checkResults(delivered: DeliveredObject[], current: WrittenRecord[], broken: Broken): void {
  const existing = new Map(delivered.map((object) => [object.key, object]));
  const ownerOf = new Map<string, string>();
  for (const { key, record } of current) {
    if (!record || record.version > 1) {
      // What a later schema delivers, this checker cannot judge; its results are no orphans.
      if (record?.result) ownerOf.set(record.result.key, key);
      continue;
    }
    const { result, status } = record;
    if ((status === 'failed') === (result !== undefined)) {
      broken('valid-record', key, `Expected a result of all but the failed, received ${status} with ${result?.key}`);
    }
    if (!result) continue;
    const other = ownerOf.get(result.key);
    if (other) broken('one-record', result.key, `Both ${other} and ${key} say that it is theirs`);
    ownerOf.set(result.key, key);
    const found = existing.get(result.key);
    if (found?.sha256 !== result.sha256 || found.size !== result.size) {
      const what = found ? `${found.size} bytes, ${found.sha256}` : 'nothing';
      broken('result-as-recorded', result.key, `${key} says ${result.size} bytes, ${result.sha256}; there is ${what}`);
    }
  }
  for (const key of existing.keys()) {
    if (!ownerOf.has(key)) broken('no-orphan', key, 'No record names this result');
  }
}
