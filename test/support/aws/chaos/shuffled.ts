export function shuffled<T>(values: T[], random: () => number): T[] {
  const left = [...values];
  for (let end = left.length - 1; end > 0; end--) {
    const other = Math.floor(random() * (end + 1));
    [left[end], left[other]] = [left[other] as T, left[end] as T];
  }
  return left;
}
