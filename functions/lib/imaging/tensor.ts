import { type Image, peakOf } from './image.ts';

/** A rectangle of a picture; it may reach beyond the picture's right and bottom border. */
export interface Area {
  x: number;
  y: number;
  width: number;
  height: number;
}

/** What lies beyond the border: the picture mirrored at its last pixel, or its last pixel repeated. */
export type Padding = 'reflect' | 'replicate';

/**
 * @param range the values that black and peak white become
 * @returns [3, height, width], planes R, G, B; a gray picture gives three equal planes
 */
export function toTensor(image: Image, area: Area, padding: Padding, [low, high]: [number, number]): Float32Array {
  const { channels, pixels } = image;
  const scale = (high - low) / peakOf(image);
  const columns = sources(area.x, area.width, image.width, padding);
  const rows = sources(area.y, area.height, image.height, padding);
  const plane = area.width * area.height;
  const tensor = new Float32Array(3 * plane);
  for (let channel = 0; channel < channels; channel++) {
    let to = channel * plane;
    for (const row of rows) {
      const from = row * image.width * channels + channel;
      for (let x = 0; x < area.width; x++)
        tensor[to++] = low + scale * (pixels[from + (columns[x] ?? 0) * channels] ?? 0);
    }
  }
  if (channels === 1) {
    tensor.copyWithin(plane, 0, plane);
    tensor.copyWithin(2 * plane, 0, plane);
  }
  return tensor;
}

/**
 * The planes that a picture of so many channels is made of. For gray the network's three answers are three estimates of one
 * value: their mean.
 * @param tensor [3, ...], changed in place for gray
 */
export function toChannels(tensor: Float32Array, channels: 1 | 3): Float32Array {
  if (channels === 3) return tensor;
  const plane = tensor.length / 3;
  for (let i = 0; i < plane; i++) {
    tensor[i] = ((tensor[i] ?? 0) + (tensor[i + plane] ?? 0) + (tensor[i + 2 * plane] ?? 0)) / 3;
  }
  return tensor.subarray(0, plane);
}

/** For each place of a stretch, the picture's row or column that it shows. */
function sources(start: number, count: number, length: number, padding: Padding): Int32Array {
  const period = Math.max(1, 2 * (length - 1));
  return Int32Array.from({ length: count }, (_, index) => {
    const place = start + index;
    if (padding === 'replicate') return Math.min(place, length - 1);
    // Mirrored without repeating the border, and again where the picture is shorter than what is missing.
    const phase = place % period;
    return phase < length ? phase : period - phase;
  });
}
