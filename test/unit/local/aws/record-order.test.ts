import { describe, expect, it } from 'vitest';
import { awsLayout, recordKey } from '../../../../functions/lib/contracts/keys.ts';
import { compareKeys, inRecordOrder, withRecords } from '../../../../functions/local/aws/record-order.ts';

const layout = awsLayout('in/');

async function* listed(keys: string[]) {
  for (const key of [...keys].sort(compareKeys)) yield { key };
}

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}

/** Names that start each other, and characters on both sides of the dot that a record's name adds. */
const tricky = [
  'a',
  'a ',
  'a-',
  'a-1',
  'a.',
  'a.j',
  'a.json',
  'a.json.json',
  'a.jso',
  'a/',
  'a0',
  'a!b',
  'a!',
  'é',
  'ﬀ',
  '\u{1f600}',
];

/** Every name of up to four characters of an alphabet around the dot: 340 names. */
const exhaustive = (() => {
  const letters = ['-', '.', '/', 'j'];
  let names = [''];
  const found: string[] = [];
  for (let length = 1; length <= 4; length++) {
    names = names.flatMap((name) => letters.map((letter) => name + letter));
    found.push(...names);
  }
  return found;
})();

describe('inRecordOrder', () => {
  it.each([
    ['names that start each other', tricky],
    ['every short name around the dot', exhaustive],
  ])('puts %s into the order of their records, losing none', async (_, names) => {
    const ordered = await all(inRecordOrder(listed(names.map((name) => `in/${name}`)), layout));
    const keys = ordered.map(({ recordKey }) => recordKey);
    expect(keys).toEqual(names.map((name) => recordKey(layout, name)).sort(compareKeys));
  });

  it('would not be needed if S3 listed records in the order of their uploads', () => {
    const records = [...tricky].sort(compareKeys).map((name) => recordKey(layout, name));
    expect(records).not.toEqual([...records].sort(compareKeys));
  });

  it('leaves out what lies outside the uploads prefix', async () => {
    expect(await all(inRecordOrder(listed(['in/a', 'out/b']), layout))).toHaveLength(1);
  });

  it('holds back no more than keys that start each other', async () => {
    let read = 0;
    async function* counted() {
      for await (const one of listed(Array.from({ length: 500 }, (_, n) => `in/${String(n).padStart(3, '0')}.jpg`))) {
        read += 1;
        yield one;
      }
    }
    let ahead = 0;
    let given = 0;
    for await (const _ of inRecordOrder(counted(), layout)) {
      given += 1;
      ahead = Math.max(ahead, read - given);
    }
    expect(given).toBe(500);
    expect(ahead).toBe(1);
  });
});

describe('withRecords', () => {
  const long = `in/${'x'.repeat(300)}.jpg`;

  it('finds the record of each upload that has one, among records of deleted uploads', async () => {
    const withRecord = tricky.filter((_, index) => index % 2 === 0);
    const records = [...withRecord, 'b', 'zz'].map((name) => recordKey(layout, name));
    const joined = await all(
      withRecords(inRecordOrder(listed(tricky.map((name) => `in/${name}`)), layout), listed(records), layout),
    );
    expect(joined).toHaveLength(tricky.length);
    for (const { upload, recordKey, record } of joined) {
      const name = upload.key.slice('in/'.length);
      expect(record, name).toEqual(withRecord.includes(name) ? { key: recordKey } : undefined);
    }
  });

  it('says of a name that is too long for its record that it has to be looked for', async () => {
    const uploads = inRecordOrder(listed([long, 'in/a', 'in/z']), layout);
    const records = listed([recordKey(layout, 'a'), recordKey(layout, long.slice(3))]);
    const joined = await all(withRecords(uploads, records, layout));
    const byKey = Object.fromEntries(joined.map(({ upload, record }) => [upload.key, record]));
    expect(byKey).toEqual({ [long]: 'unknown', 'in/a': { key: 'records/a.json' }, 'in/z': undefined });
    expect(joined.find(({ upload }) => upload.key === long)?.recordKey).toMatch(/^records\/long\/[0-9a-f]{64}/);
  });
});
