/**
 * A process that exits ends its threads wherever they are, and onnxruntime aborts the whole process (exit code 134) when that
 * happens inside its native code. So the exiting main thread waits for the run at work, a tile at most, and none begins after.
 * One shared cell, read and written by both threads.
 */
export type ExitGate = Int32Array<SharedArrayBuffer>;

const idle = 0;
const busy = 1;
const shut = 2;

/** ms. More than any tile takes on a CPU; a run that hangs must not keep the process for ever. */
const longestWait = 20_000;

/** @returns a gate that is busy: the worker opens its model first */
export function createExitGate(): ExitGate {
  return new Int32Array(new SharedArrayBuffer(4)).fill(busy);
}

/** Worker: about to enter native code. False where the process is exiting and it must not. */
export function enter(gate: ExitGate): boolean {
  return Atomics.compareExchange(gate, 0, idle, busy) === idle;
}

/** Worker: back from native code. */
export function leave(gate: ExitGate): void {
  Atomics.store(gate, 0, idle);
  Atomics.notify(gate, 0);
}

/** Main thread, on exit: waits until the worker is out of native code, and keeps it out. */
export function shutGate(gate: ExitGate): void {
  const deadline = Date.now() + longestWait;
  while (Atomics.compareExchange(gate, 0, idle, shut) === busy && Date.now() < deadline) {
    Atomics.wait(gate, 0, busy, deadline - Date.now());
  }
}
