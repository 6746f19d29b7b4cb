/**
 * One model at a time: onnxruntime's WebGPU corrupts the heap where two sessions of a process are opened or run at once
 * (microsoft/onnxruntime, issues 27592 and 32561, both open). One shared cell with the id of the thread whose turn it is.
 */
export type Turn = Int32Array<SharedArrayBuffer>;

const nobody = 0;

export function createTurn(): Turn {
  return new Int32Array(new SharedArrayBuffer(4));
}

/** Worker: does `work` while no other thread does any, and blocks until then; without a turn, does it at once. */
export async function inTurn<Result>(
  turn: Turn | undefined,
  thread: number,
  work: () => Promise<Result>,
): Promise<Result> {
  if (!turn) return work();
  for (let whose = nobody; ; Atomics.wait(turn, 0, whose)) {
    whose = Atomics.compareExchange(turn, 0, nobody, thread);
    if (whose === nobody) break;
  }
  try {
    return await work();
  } finally {
    endTurn(turn, thread);
  }
}

/** Also for the main thread, where a worker ended in the middle of its turn. */
export function endTurn(turn: Turn, thread: number): void {
  if (Atomics.compareExchange(turn, 0, thread, nobody) === thread) Atomics.notify(turn, 0);
}
