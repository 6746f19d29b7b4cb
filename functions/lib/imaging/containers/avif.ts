import { type Box, box, fullBox, readBoxes, uint16, uint32 } from './boxes.ts';
import type { Packets } from './packets.ts';

/**
 * AVIF as the encoder here writes it: items in one mdat, 32-bit places, short identifiers.
 * @see ISO/IEC 23008-12, section 6; av1-avif, section 2
 */
export interface Avif {
  ftyp: Buffer;
  hdlr: Buffer;
  primary: number;
  items: Item[];
}

interface Item {
  id: number;
  /** Of the `infe` box, header included: it names the item's type. */
  info: Buffer;
  payload: Buffer;
  /** Whole boxes of `ipco`; essential ones must be understood by a reader. */
  properties: { whole: Buffer; essential: boolean }[];
  /** What the item says about others: `cdsc` describes, `auxl` is the alpha of. */
  references: { type: string; to: number[] }[];
}

/** @throws Error where the file is laid out in a way the encoder here does not write */
export function readAvif(bytes: Buffer): Avif {
  const outer = readBoxes(bytes);
  const meta = readBoxes(find(outer, 'meta').body.subarray(4));
  const properties = readBoxes(find(meta, 'iprp').body);
  const shared = readBoxes(find(properties, 'ipco').body);
  const associations = readAssociations(find(properties, 'ipma').body);
  const places = readPlaces(find(meta, 'iloc').body);
  const references = readReferences(meta.find(({ type }) => type === 'iref')?.body);
  const items = readBoxes(find(meta, 'iinf').body.subarray(6)).map(({ whole, body }) => {
    if (body[0] !== 2) throw new Error(`Expected an item of version 2, came ${body[0]}.`);
    const id = body.readUInt16BE(4);
    const place = places.get(id);
    if (!place) throw new Error(`Item ${id} has no place.`);
    const own = (associations.get(id) ?? []).map(({ index, essential }) => {
      const property = shared[index - 1];
      if (!property) throw new Error(`Item ${id} names property ${index}, which is not there.`);
      return { whole: property.whole, essential };
    });
    const payload = bytes.subarray(place.at, place.at + place.length);
    return { id, info: whole, payload, properties: own, references: references.get(id) ?? [] };
  });
  const primary = find(meta, 'pitm').body.readUInt16BE(4);
  return { ftyp: find(outer, 'ftyp').whole, hdlr: find(meta, 'hdlr').whole, primary, items };
}

export function writeAvif({ ftyp, hdlr, primary, items }: Avif): Buffer {
  const shared: Buffer[] = [];
  const associations = items
    .filter(({ properties }) => properties.length > 0)
    .map(({ id, properties }) => {
      const indexes = properties.map(({ whole, essential }) => {
        const known = shared.findIndex((property) => property.equals(whole));
        const index = known >= 0 ? known + 1 : shared.push(whole);
        return index | (essential ? 0x80 : 0);
      });
      return Buffer.concat([uint16(id), Buffer.from([indexes.length, ...indexes])]);
    });
  if (shared.length > 127) throw new Error(`${shared.length} properties do not fit into short associations.`);
  const references = items.flatMap(({ id, references }) =>
    references.map(({ type, to }) => box(type, uint16(id, to.length, ...to))),
  );
  const metaOf = (start: number) =>
    fullBox(
      'meta',
      0,
      hdlr,
      fullBox('pitm', 0, uint16(primary)),
      placesOf(items, start),
      fullBox('iinf', 0, uint16(items.length), ...items.map(({ info }) => info)),
      box('iprp', box('ipco', ...shared), fullBox('ipma', 0, uint32(associations.length), ...associations)),
      ...(references.length > 0 ? [fullBox('iref', 0, ...references)] : []),
    );
  // Places are of fixed width, so a first writing tells where the payloads begin.
  const start = ftyp.length + metaOf(0).length + 8;
  return Buffer.concat([ftyp, metaOf(start), box('mdat', ...items.map(({ payload }) => payload))]);
}

/** @returns the file with a profile on its picture, and EXIF and XMP as items that describe it */
export function intoAvif(bytes: Buffer, { exif, xmp, icc }: Packets): Buffer {
  const avif = readAvif(bytes);
  const items = avif.items.map((item) => {
    if (!icc || item.id !== avif.primary) return item;
    const profile = { whole: box('colr', Buffer.from('prof', 'latin1'), icc), essential: false };
    return { ...item, properties: [...item.properties, profile] };
  });
  const describe = (info: Buffer, payload: Buffer) => {
    const id = 1 + Math.max(...items.map((item) => item.id));
    const references = [{ type: 'cdsc', to: [avif.primary] }];
    items.push({ id, info: infoOf(id, info), payload, properties: [], references });
  };
  // Four bytes say how far behind them the TIFF header lies.
  if (exif) describe(Buffer.from('Exif\0', 'latin1'), Buffer.concat([uint32(0), exif]));
  if (xmp) describe(Buffer.from('mime\0application/rdf+xml\0', 'latin1'), xmp);
  return writeAvif({ ...avif, items });
}

/** The first file's picture with the second one's alpha, both of the same size. */
export function withAlphaOf(picture: Buffer, other: Buffer): Buffer {
  const avif = readAvif(picture);
  const { primary, items } = readAvif(other);
  const alpha = items.find(({ references }) =>
    references.some(({ type, to }) => type === 'auxl' && to.includes(primary)),
  );
  if (!alpha) throw new Error('Expected an AVIF with alpha.');
  const id = 1 + Math.max(...avif.items.map((item) => item.id));
  const info = infoOf(id, alpha.info.subarray(16));
  const references = [{ type: 'auxl', to: [avif.primary] }];
  return writeAvif({ ...avif, items: [...avif.items, { ...alpha, id, info, references }] });
}

/** @param typeAndName what follows identifier and protection in an `infe` box */
function infoOf(id: number, typeAndName: Buffer): Buffer {
  return fullBox('infe', 2, uint16(id, 0), typeAndName);
}

function placesOf(items: Item[], start: number): Buffer {
  let at = start;
  const places = items.map(({ id, payload }) => {
    const place = Buffer.concat([uint16(id, 0, 1), uint32(at, payload.length)]);
    at += payload.length;
    return place;
  });
  // Offsets and lengths of four bytes, no base offsets.
  return fullBox('iloc', 0, Buffer.from([0x44, 0x00]), uint16(items.length), ...places);
}

function readPlaces(body: Buffer): Map<number, { at: number; length: number }> {
  const [version, sizes, base] = [body[0], body[4], body.readUInt8(5) >> 4];
  if (version !== 0 || sizes !== 0x44 || ![0, 4].includes(base)) throw new Error('Expected places of four bytes.');
  const places = new Map<number, { at: number; length: number }>();
  let at = 8;
  for (let left = body.readUInt16BE(6); left > 0; left--) {
    const id = body.readUInt16BE(at);
    const origin = base === 4 ? body.readUInt32BE(at + 4) : 0;
    const extents = body.readUInt16BE(at + 4 + base);
    if (extents !== 1) throw new Error(`Expected an item in one piece, came ${extents}.`);
    const extent = at + 6 + base;
    places.set(id, { at: origin + body.readUInt32BE(extent), length: body.readUInt32BE(extent + 4) });
    at = extent + 8;
  }
  return places;
}

function readAssociations(body: Buffer): Map<number, { index: number; essential: boolean }[]> {
  if (body.readUInt32BE(0) !== 0) throw new Error('Expected short associations.');
  const associations = new Map<number, { index: number; essential: boolean }[]>();
  let at = 8;
  for (let left = body.readUInt32BE(4); left > 0; left--) {
    const count = body.readUInt8(at + 2);
    const own = [...body.subarray(at + 3, at + 3 + count)];
    associations.set(
      body.readUInt16BE(at),
      own.map((byte) => ({ index: byte & 0x7f, essential: byte >= 0x80 })),
    );
    at += 3 + count;
  }
  return associations;
}

function readReferences(body: Buffer | undefined): Map<number, Item['references']> {
  const references = new Map<number, Item['references']>();
  for (const { type, body: reference } of body ? readBoxes(body.subarray(4)) : []) {
    const from = reference.readUInt16BE(0);
    const count = reference.readUInt16BE(2);
    const to = Array.from({ length: count }, (_, index) => reference.readUInt16BE(4 + index * 2));
    references.set(from, [...(references.get(from) ?? []), { type, to }]);
  }
  return references;
}

function find(boxes: Box[], type: string): Box {
  const found = boxes.find((candidate) => candidate.type === type);
  if (!found) throw new Error(`Expected a ${type} box.`);
  return found;
}
