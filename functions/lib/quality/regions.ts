import { type Image, peakOf } from '../imaging/image.ts';

/** A piece of a picture as classic measures see it. */
export interface Region {
  width: number;
  height: number;
  /** Rec. 601 luma of [height, width], 0 to 255 whatever the depth. */
  luma: Float32Array;
  /** Samples of any channel at 0 or at the peak. */
  clipped: number;
  samples: number;
}

/** px. A multiple of the JPEG grid, large enough for a blur's width and for a texture's. */
const side = 256;

/** 4 MP: a photograph of that size is seen whole, a larger one through an even grid of regions, in the same time. */
const mostRegions = 64;

/** The same regions for pictures of the same size; in reading order. */
export function sampleRegions(image: Image): Region[] {
  const across = Math.ceil(image.width / side);
  const down = Math.ceil(image.height / side);
  let columns = across;
  let rows = down;
  while (columns * rows > mostRegions) {
    if (columns / across >= rows / down && columns > 1) columns--;
    else rows--;
  }
  return spread(rows, down).flatMap((row) =>
    spread(columns, across).map((column) => readRegion(image, column * side, row * side)),
  );
}

/** `count` of the cells 0 to `cells` - 1, evenly. */
function spread(count: number, cells: number): number[] {
  if (count === 1) return [Math.floor((cells - 1) / 2)];
  return Array.from({ length: count }, (_, index) => Math.round((index * (cells - 1)) / (count - 1)));
}

function readRegion(image: Image, x: number, y: number): Region {
  const { channels, pixels } = image;
  const width = Math.min(side, image.width - x);
  const height = Math.min(side, image.height - y);
  const peak = peakOf(image);
  const scale = 255 / peak;
  const luma = new Float32Array(width * height);
  let clipped = 0;
  for (let v = 0; v < height; v++) {
    let from = ((y + v) * image.width + x) * channels;
    for (let u = 0; u < width; u++) {
      const red = pixels[from] ?? 0;
      let value = red;
      clipped += atEnd(red, peak);
      if (channels === 3) {
        const green = pixels[from + 1] ?? 0;
        const blue = pixels[from + 2] ?? 0;
        value = 0.299 * red + 0.587 * green + 0.114 * blue;
        clipped += atEnd(green, peak) + atEnd(blue, peak);
      }
      luma[v * width + u] = value * scale;
      from += channels;
    }
  }
  return { width, height, luma, clipped, samples: width * height * channels };
}

function atEnd(value: number, peak: number): 0 | 1 {
  return value === 0 || value === peak ? 1 : 0;
}
