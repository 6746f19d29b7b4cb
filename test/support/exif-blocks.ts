type Value = { type: 'ascii' | 'short' | 'long' | 'undefined'; value: string | number | Buffer };

/**
 * A hand-made EXIF block: directory 0 with any tags, EXIF and GPS below it.
 * @param order of its bytes, `II` or `MM`
 */
export function exifBlock(
  tags: Record<number, Value>,
  below: { exif?: Record<number, Value>; gps?: Record<number, Value> } = {},
  order: 'II' | 'MM' = 'II',
): Buffer {
  const little = order === 'II';
  const put = (bytes: Buffer, width: 2 | 4, value: number, at: number) =>
    little ? bytes.writeUIntLE(value, at, width) : bytes.writeUIntBE(value, at, width);
  const directory = (entries: Record<number, Value>, offset: number) => {
    const list = Object.entries(entries).map(([tag, entry]) => ({ tag: Number(tag), ...entry }));
    list.sort((a, b) => a.tag - b.tag);
    const table = Buffer.alloc(2 + list.length * 12 + 4);
    const values: Buffer[] = [];
    put(table, 2, list.length, 0);
    let end = offset + table.length;
    for (const [index, { tag, type, value }] of list.entries()) {
      const at = 2 + index * 12;
      const bytes = typeof value === 'string' ? Buffer.from(`${value}\0`, 'latin1') : value;
      put(table, 2, tag, at);
      put(table, 2, { ascii: 2, short: 3, long: 4, undefined: 7 }[type], at + 2);
      put(table, 4, typeof bytes === 'number' ? 1 : bytes.length, at + 4);
      if (typeof bytes === 'number') put(table, type === 'short' ? 2 : 4, bytes, at + 8);
      else if (bytes.length <= 4) bytes.copy(table, at + 8);
      else {
        put(table, 4, end, at + 8);
        values.push(bytes);
        end += bytes.length;
      }
    }
    return Buffer.concat([table, ...values]);
  };
  const head = Buffer.alloc(8);
  head.write(order, 0, 'latin1');
  put(head, 2, 42, 2);
  put(head, 4, 8, 4);
  const parts = [head];
  const withPointers = (exifAt: number, gpsAt: number) => {
    const all: Record<number, Value> = { ...tags };
    if (below.exif) all[0x8769] = { type: 'long', value: exifAt };
    if (below.gps) all[0x8825] = { type: 'long', value: gpsAt };
    return all;
  };
  const exifAt = 8 + directory(withPointers(0, 0), 8).length;
  const exif = below.exif ? directory(below.exif, exifAt) : Buffer.alloc(0);
  const gpsAt = exifAt + exif.length;
  parts.push(directory(withPointers(exifAt, gpsAt), 8), exif);
  if (below.gps) parts.push(directory(below.gps, gpsAt));
  return Buffer.concat(parts);
}

/** EXIF as a camera writes it: maker, orientation, copyright, dates, maker note, GPS. */
export function cameraExif(orientation = 1, order: 'II' | 'MM' = 'II'): Buffer {
  return exifBlock(
    {
      270: { type: 'ascii', value: 'A harbour at dusk' },
      271: { type: 'ascii', value: 'Camera Works' },
      274: { type: 'short', value: orientation },
      315: { type: 'ascii', value: 'Ada Example' },
      33432: { type: 'ascii', value: '(c) 2024 Ada Example' },
    },
    {
      exif: {
        36867: { type: 'ascii', value: '2024:05:06 07:08:09' },
        37500: { type: 'undefined', value: Buffer.from('SECRET-MAKER-NOTE serial 123456') },
      },
      gps: {
        1: { type: 'ascii', value: 'N' },
        29: { type: 'ascii', value: '2024:05:06' },
      },
    },
    order,
  );
}

export const cameraXmp = `<?xpacket begin="\uFEFF" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about="" xmlns:tiff="http://ns.adobe.com/tiff/1.0/" xmlns:exif="http://ns.adobe.com/exif/1.0/" xmlns:dc="http://purl.org/dc/elements/1.1/" tiff:Orientation="6" exif:GPSLatitude="47,22.1N"><dc:rights><rdf:Alt><rdf:li xml:lang="x-default">Ada &amp; Co</rdf:li></rdf:Alt></dc:rights><dc:creator><rdf:Seq><rdf:li>Ada Example</rdf:li></rdf:Seq></dc:creator></rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end="w"?>`;

/** The first directory's next-pointer leads back to it, and its EXIF pointer too. */
export function loopingExif(): Buffer {
  const block = exifBlock({ 271: { type: 'ascii', value: 'Loop' }, 34665: { type: 'long', value: 8 } });
  block.writeUInt32LE(8, 8 + 2 + 2 * 12);
  return block;
}

/** A text that says it has four thousand million letters. */
export function hugeCountExif(): Buffer {
  const block = exifBlock({ 271: { type: 'ascii', value: 'Huge count' }, 274: { type: 'short', value: 1 } });
  block.writeUInt32LE(0xffff_fff0, 8 + 2 + 4);
  return block;
}

/** More than a JPEG segment holds. */
export function longExif(): Buffer {
  return exifBlock({ 274: { type: 'short', value: 1 }, 37500: { type: 'undefined', value: Buffer.alloc(70_000, 7) } });
}
