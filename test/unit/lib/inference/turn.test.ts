import { Worker } from 'node:worker_threads';
import { expect, test } from 'vitest';
import { createTurn, endTurn, inTurn } from '../../../../functions/lib/inference/turn.ts';

const [loader, module] = ['tsx/esm/api', '../../../../functions/lib/inference/turn.ts'].map((name) =>
  JSON.stringify(import.meta.resolve(name)),
);

/** A thread with twenty turns. `seen`: how many are at work, the most at any time, and the turns that ended. */
const thread = `
  import { threadId, workerData } from 'node:worker_threads';
  import { register } from ${loader};
  register();
  const { inTurn } = await import(${module});
  const { turn, seen, ends } = workerData;
  for (let i = 0; i < 20; i++) {
    await inTurn(turn, threadId, async () => {
      const together = Atomics.add(seen, 0, 1) + 1;
      if (together > Atomics.load(seen, 1)) Atomics.store(seen, 1, together);
      await new Promise((resolve) => setTimeout(resolve, 2));
      if (ends) process.exit();
      Atomics.sub(seen, 0, 1);
      Atomics.add(seen, 2, 1);
    });
  }
`;

function startThread(workerData: object): { threadId: number; ended: Promise<void> } {
  const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(thread)}`), { workerData });
  const ended = new Promise<void>((resolve, reject) => {
    worker.once('error', reject);
    worker.once('exit', () => resolve());
  });
  return { threadId: worker.threadId, ended };
}

test('of three threads one is at work at any time, and all of them come to their turn', async () => {
  const [turn, seen] = [createTurn(), new Int32Array(new SharedArrayBuffer(12))];
  await Promise.all([1, 2, 3].map(() => startThread({ turn, seen }).ended));
  expect([...seen]).toEqual([0, 1, 60]);
  expect([...turn]).toEqual([0]);
});

test('a thread that ended in its turn leaves it to the others', async () => {
  const [turn, seen] = [createTurn(), new Int32Array(new SharedArrayBuffer(12))];
  const { threadId, ended } = startThread({ turn, seen, ends: true });
  await ended;
  expect([...turn]).toEqual([threadId]);
  endTurn(turn, threadId + 1);
  expect([...turn]).toEqual([threadId]);
  endTurn(turn, threadId);
  expect(await inTurn(turn, 7, async () => [...turn])).toEqual([7]);
  expect([...turn]).toEqual([0]);
});

test('without a turn nothing waits', async () => {
  expect(await inTurn(undefined, 1, async () => 'done')).toBe('done');
});
