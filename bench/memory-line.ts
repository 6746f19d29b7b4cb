/** bytes; what the README promises for pictures of any size up to the limit. */
const promised = 1.5 * 2 ** 30;

/**
 * Memory as a straight line through the largest picture and the smallest that is large enough to have a line of its own:
 * below 4 megapixels the tile at work outweighs the picture.
 * @returns what a megapixel costs and how many fit into the promise, in words; undefined without two sizes
 */
export function memoryLine(rows: { megapixels: number; peakMemory: number }[]): string | undefined {
  const large = rows.filter(({ megapixels }) => megapixels >= 4).sort((a, b) => a.megapixels - b.megapixels);
  const [first, last] = [large[0], large.at(-1)];
  if (!first || !last || first === last) return undefined;
  const perMegapixel = (last.peakMemory - first.peakMemory) / (last.megapixels - first.megapixels);
  const limit = first.megapixels + (promised - first.peakMemory) / perMegapixel;
  return `${(perMegapixel / 2 ** 20).toFixed(1)} MiB a megapixel; 1.5 GiB hold about ${Math.floor(limit)} megapixels`;
}
