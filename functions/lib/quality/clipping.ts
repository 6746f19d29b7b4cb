import type { Region } from './regions.ts';

/** Share of the samples at the darkest or brightest possible value, 0 to 1: highlights blown out, shadows gone. */
export function clipping(regions: Region[]): number {
  const samples = regions.reduce((sum, region) => sum + region.samples, 0);
  return samples === 0 ? 0 : regions.reduce((sum, region) => sum + region.clipped, 0) / samples;
}
