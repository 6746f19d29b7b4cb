import type { ModelCard } from '../contracts/model-card.ts';
import type { Area } from '../imaging/tensor.ts';
import type { Box } from './face.ts';

/** The smallest face that is looked for, px: what is smaller has too little of a face to restore it. */
const smallestFace = 24;

/** A face's hair, ears and chin lie outside of its box, and the detector wants to see them: by so much its window is wider. */
const surroundings = 1.3;

/** Widths of a face that a second look at it shows. */
const aroundFace = 3.2;

/** What a detector sees in one run. */
export interface View {
  /** How often the picture was halved before. */
  octave: number;
  /** In the octave's pixels. */
  area: Area;
  /** From the octave's pixels to the detector's. */
  zoom: number;
  /** Whether there is more of the picture beyond the area's left, upper, right and lower side. */
  cut: { left: boolean; top: boolean; right: boolean; bottom: boolean };
}

type Detector = NonNullable<ModelCard['detector']>;

/**
 * Every face from 24 px to the whole picture lies in one of these views uncut, between once and twice as large as the
 * smallest that the detector finds, and in coarser ones again, up to its largest. Neighbours overlap by the former.
 * @param size sides that the detector takes, px of its input
 * @returns finest octave first
 */
export function planViews(width: number, height: number, detector: Detector, size: ModelCard['size']): View[] {
  const [smallest, largest] = detector.faces;
  const zoom = finestZoom(detector);
  const overlap = 2 * smallest * surroundings;
  const views: View[] = [];
  for (let octave = 0; ; octave++) {
    const [wide, tall] = [Math.ceil(width / 2 ** octave), Math.ceil(height / 2 ** octave)];
    const columns = spansOf(wide, zoom, overlap, detector.window, size);
    const rows = spansOf(tall, zoom, overlap, detector.window, size);
    for (const row of rows) {
      for (const column of columns) {
        const area = { x: column.start, y: row.start, width: column.length, height: row.length };
        const cut = {
          left: column.start > 0,
          top: row.start > 0,
          right: column.start + column.length < wide,
          bottom: row.start + row.length < tall,
        };
        views.push({ octave, area, zoom, cut });
      }
    }
    if (Math.max(wide, tall) * zoom <= largest) return views;
  }
}

/**
 * The second look at a face: by itself, in the middle, between the smallest and the largest that the detector finds surely. It
 * is enlarged no more than for the first look: what more enlarges is noise (BlazeFace, 24 px, damaged: 12 of 16 found again,
 * else 7).
 */
export function viewAround(
  { x, y, width, height }: Box,
  detector: Detector,
  size: ModelCard['size'],
  octaves: number,
): View {
  const ideal = Math.sqrt(detector.faces[0] * detector.faces[1]);
  const scale = Math.min(ideal / width, finestZoom(detector));
  const octave = Math.min(Math.max(Math.floor(-Math.log2(scale)), 0), octaves - 1);
  const zoom = Math.max(scale * 2 ** octave, 1);
  const needed = Math.ceil(Math.max(ideal * aroundFace, size.minimum) / size.multiple) * size.multiple;
  const side = Math.min(detector.window, needed) / zoom;
  const middle = { x: (x + width / 2) / 2 ** octave, y: (y + height / 2) / 2 ** octave };
  const area = { x: middle.x - side / 2, y: middle.y - side / 2, width: side, height: side };
  return { octave, area, zoom, cut: { left: false, top: false, right: false, bottom: false } };
}

/** From the picture's pixels to the detector's where the smallest face becomes as large as it must be. */
function finestZoom({ faces: [smallest] }: Detector): number {
  return Math.max(1, smallest / smallestFace);
}

/** Evenly spread over a side; one alone may reach beyond it. */
function spansOf(length: number, zoom: number, overlap: number, window: number, size: ModelCard['size']) {
  const needed = Math.ceil(Math.max(length * zoom, size.minimum) / size.multiple) * size.multiple;
  const side = Math.min(window, needed) / zoom;
  const count = length <= side ? 1 : Math.ceil((length - overlap / zoom) / (side - overlap / zoom));
  return Array.from({ length: count }, (_, index) => ({
    start: count === 1 ? 0 : Math.round((index * (length - side)) / (count - 1)),
    length: side,
  }));
}
