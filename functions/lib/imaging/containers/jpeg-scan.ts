import { isFrame, readSegments, type Segment } from './jpeg.ts';

/** How much of a JPEG's picture its data holds. */
export interface ScanReach {
  /** Blocks of pixels that can be read, counted from the top left to the first that cannot. */
  readable: number;
  total: number;
}

interface Component {
  id: number;
  horizontal: number;
  vertical: number;
}

/** By the next 16 bits: length of the code << 8 | symbol; 0 where there is no such code. */
type CodeTable = Uint16Array;

/**
 * Walks the Huffman codes of a sequential JPEG without making pixels of them, to see where its data ends.
 * A decoder fills what is missing with gray and says no more than that something is.
 * @returns undefined for progressive, arithmetic and multi-scan files
 * @see ITU-T T.81, annex F.2
 */
export function reachOfScan(bytes: Buffer): ScanReach | undefined {
  const segments = readSegments(bytes);
  const frame = segments.find(({ marker }) => isFrame(marker));
  const scan = segments.find(({ marker }) => marker === 0xda);
  if (!frame || !scan || (frame.marker !== 0xc0 && frame.marker !== 0xc1)) return undefined;
  const height = frame.payload.readUInt16BE(1);
  const width = frame.payload.readUInt16BE(3);
  const components = componentsOf(frame);
  const tables = readTables(segments);
  const blocks = blocksOf(scan, components, tables);
  if (height === 0 || !blocks || scan.payload[0] !== components.length) return undefined;
  const single = components.length === 1;
  const across = 8 * (single ? 1 : Math.max(...components.map(({ horizontal }) => horizontal)));
  const down = 8 * (single ? 1 : Math.max(...components.map(({ vertical }) => vertical)));
  const total = Math.ceil(width / across) * Math.ceil(height / down);
  const restart = segments.find(({ marker }) => marker === 0xdd)?.payload.readUInt16BE(0) ?? 0;
  return { readable: walk(bytes, scan.at + 4 + scan.payload.length, blocks, restart, total), total };
}

/**
 * Whether a progressive JPEG's scans, taken together, send every bit of every coefficient.
 * Says nothing about whether the last scan is whole.
 */
export function sendsEverything(bytes: Buffer): boolean {
  const frame = readSegments(bytes).find(({ marker }) => isFrame(marker));
  if (!frame) return false;
  /** Lowest bit sent so far, by component and coefficient. */
  const sent = new Map(componentsOf(frame).map(({ id }) => [id, new Array<number>(64).fill(16)]));
  for (const { payload } of scansOf(bytes)) {
    const count = payload.readUInt8(0);
    const [from, to, low] = [1 + count * 2, 2 + count * 2, 3 + count * 2].map((at) => payload.readUInt8(at));
    for (let index = 0; index < count; index++) {
      sent.get(payload.readUInt8(1 + index * 2))?.fill((low ?? 0) & 15, from, (to ?? 0) + 1);
    }
  }
  return [...sent.values()].every((bits) => bits.every((low) => low === 0));
}

/** Headers of all scans. Entropy-coded data is skipped by its rule that 0xFF in it is followed by 0 or a restart. */
function scansOf(bytes: Buffer): Segment[] {
  const scans: Segment[] = [];
  let from = 2;
  for (;;) {
    const last = readSegments(bytes, from).at(-1);
    if (last?.marker !== 0xda) return scans;
    scans.push(last);
    let at = bytes.indexOf(0xff, last.at + 4 + last.payload.length);
    for (; at >= 0 && at + 1 < bytes.length; at = bytes.indexOf(0xff, at + 1)) {
      const next = bytes.readUInt8(at + 1);
      if (next !== 0 && next !== 0xff && (next < 0xd0 || next > 0xd7)) break;
    }
    if (at < 0) return scans;
    from = at;
  }
}

function componentsOf({ payload }: Segment): Component[] {
  return Array.from({ length: payload.readUInt8(5) }, (_, index) => {
    const at = 6 + index * 3;
    const sampling = payload.readUInt8(at + 1);
    return { id: payload.readUInt8(at), horizontal: sampling >> 4, vertical: sampling & 15 };
  });
}

function readTables(segments: Segment[]): Map<number, CodeTable> {
  const tables = new Map<number, CodeTable>();
  for (const { payload } of segments.filter(({ marker }) => marker === 0xc4)) {
    let at = 0;
    while (at + 17 <= payload.length) {
      const table = new Uint16Array(65_536);
      let code = 0;
      let symbol = at + 17;
      for (let length = 1; length <= 16; length++) {
        for (let left = payload.readUInt8(at + length); left > 0; left--, symbol++, code++) {
          const first = code << (16 - length);
          table.fill((length << 8) | (payload[symbol] ?? 0), first, first + (1 << (16 - length)));
        }
        code <<= 1;
      }
      tables.set(payload.readUInt8(at), table);
      at = symbol;
    }
  }
  return tables;
}

/** The code tables of each block of one minimum coded unit, in order. */
function blocksOf(scan: Segment, components: Component[], tables: Map<number, CodeTable>) {
  const blocks: { dc: CodeTable; ac: CodeTable }[] = [];
  for (let index = 0; index < scan.payload.readUInt8(0); index++) {
    const component = components.find(({ id }) => id === scan.payload[1 + index * 2]);
    const selector = scan.payload.readUInt8(2 + index * 2);
    const dc = tables.get(selector >> 4);
    const ac = tables.get(0x10 | (selector & 15));
    if (!component || !dc || !ac) return undefined;
    const count = components.length === 1 ? 1 : component.horizontal * component.vertical;
    for (let block = 0; block < count; block++) blocks.push({ dc, ac });
  }
  return blocks;
}

function walk(bytes: Buffer, from: number, blocks: { dc: CodeTable; ac: CodeTable }[], restart: number, total: number) {
  let at = from;
  let held = 0;
  let bits = 0;
  const fill = () => {
    while (bits <= 16 && at < bytes.length) {
      const byte = bytes[at] ?? 0;
      if (byte === 0xff) {
        if (bytes[at + 1] !== 0) return;
        at++;
      }
      at++;
      held = ((held << 8) | byte) & 0xff_ffff;
      bits += 8;
    }
  };
  const skip = (count: number) => {
    if (count > bits) fill();
    bits -= count;
    return bits >= 0;
  };
  const symbolOf = (table: CodeTable) => {
    fill();
    const ahead = bits >= 16 ? held >>> (bits - 16) : held << (16 - bits);
    const found = table[ahead & 0xffff] ?? 0;
    return found !== 0 && skip(found >> 8) ? found & 0xff : -1;
  };
  const readBlock = ({ dc, ac }: { dc: CodeTable; ac: CodeTable }) => {
    const size = symbolOf(dc);
    if (size < 0 || size > 16 || !skip(size)) return false;
    for (let coefficient = 1; coefficient < 64; coefficient++) {
      const symbol = symbolOf(ac);
      if (symbol < 0) return false;
      // No bits and no run of sixteen zeros: the block ends here.
      if ((symbol & 15) === 0 && symbol !== 0xf0) return true;
      coefficient += symbol >> 4;
      if (coefficient > 63 || !skip(symbol & 15)) return false;
    }
    return true;
  };
  const skipRestart = () => {
    held = 0;
    bits = 0;
    while (bytes[at] === 0xff && bytes[at + 1] === 0xff) at++;
    const marker = bytes[at] === 0xff ? (bytes[at + 1] ?? 0) : 0;
    at += 2;
    return marker >= 0xd0 && marker <= 0xd7;
  };
  for (let unit = 0; unit < total; unit++) {
    if (restart > 0 && unit > 0 && unit % restart === 0 && !skipRestart()) return unit;
    if (!blocks.every(readBlock)) return unit;
  }
  return total;
}
