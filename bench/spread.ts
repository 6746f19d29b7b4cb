/** How values lie: five of them in order, to four decimals. */
export function spread(values: number[]) {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (part: number) => rounded(sorted[Math.round(part * (sorted.length - 1))] ?? 0);
  return { count: values.length, least: at(0), p5: at(0.05), median: at(0.5), p95: at(0.95), most: at(1) };
}

export function rounded(value: number): number {
  return Math.round(value * 1e4) / 1e4;
}
