import { describe, expect, it } from 'vitest';
import { intoAvif, readAvif, withAlphaOf, writeAvif } from '../../../../../functions/lib/imaging/containers/avif.ts';
import { drawRaw, fromRaw } from '../../../../support/pictures.ts';

describe('AVIF', () => {
  it('keeps every item, property and reference through a reading and a writing', async () => {
    const bytes = await fromRaw(drawRaw(32, 24, 4))
      .avif()
      .toBuffer();
    const avif = readAvif(bytes);

    expect(avif.items).toHaveLength(2);
    expect(readAvif(writeAvif(avif))).toEqual(avif);
  });

  it('gains items that describe its picture', async () => {
    const bytes = await fromRaw(drawRaw(32, 24)).avif().toBuffer();
    const avif = readAvif(intoAvif(bytes, { exif: Buffer.from('II*\0'), xmp: Buffer.from('<x/>') }));

    expect(avif.items.map(({ id, references }) => ({ id, references }))).toEqual([
      { id: 1, references: [] },
      { id: 2, references: [{ type: 'cdsc', to: [1] }] },
      { id: 3, references: [{ type: 'cdsc', to: [1] }] },
    ]);
    expect(avif.items[2]?.payload.toString()).toBe('<x/>');
  });

  it('does not take alpha from a file that has none', async () => {
    const bytes = await fromRaw(drawRaw(32, 24)).avif().toBuffer();

    expect(() => withAlphaOf(bytes, bytes)).toThrow('Expected an AVIF with alpha.');
  });
});
