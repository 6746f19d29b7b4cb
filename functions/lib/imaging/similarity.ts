export interface Point {
  x: number;
  y: number;
}

/** Turns, scales and moves, never mirrors: (x, y) becomes (a x - b y + dx, b x + a y + dy). */
export interface Similarity {
  a: number;
  b: number;
  dx: number;
  dy: number;
}

/** Squared px; points that lie closer together than this are one. */
const onePlace = 1e-6;

/**
 * The similarity that brings `from` nearest to `to`, in the sense of least squares. Closed form: in complex numbers it is a
 * linear regression, so every angle is as good as another.
 * @param to as many points as `from`
 * @returns undefined where the points do not say it: fewer than two, or all in one place
 */
export function estimateSimilarity(from: Point[], to: Point[]): Similarity | undefined {
  const start = centreOf(from);
  const end = centreOf(to);
  let spread = 0;
  let along = 0;
  let across = 0;
  for (const [index, { x, y }] of from.entries()) {
    const u = x - start.x;
    const v = y - start.y;
    const s = (to[index]?.x ?? end.x) - end.x;
    const t = (to[index]?.y ?? end.y) - end.y;
    spread += u * u + v * v;
    along += u * s + v * t;
    across += u * t - v * s;
  }
  const a = along / spread;
  const b = across / spread;
  if (!(spread > onePlace) || !(a * a + b * b > 0)) return undefined;
  return { a, b, dx: end.x - a * start.x + b * start.y, dy: end.y - b * start.x - a * start.y };
}

export function transform({ a, b, dx, dy }: Similarity, { x, y }: Point): Point {
  return { x: a * x - b * y + dx, y: b * x + a * y + dy };
}

export function invert({ a, b, dx, dy }: Similarity): Similarity {
  const square = a * a + b * b;
  return { a: a / square, b: -b / square, dx: -(a * dx + b * dy) / square, dy: (b * dx - a * dy) / square };
}

/** How many times as long it makes a distance. */
export function magnification({ a, b }: Similarity): number {
  return Math.hypot(a, b);
}

function centreOf(points: Point[]): Point {
  const sum = points.reduce((total, { x, y }) => ({ x: total.x + x, y: total.y + y }), { x: 0, y: 0 });
  return { x: sum.x / points.length, y: sum.y / points.length };
}
