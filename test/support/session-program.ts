import { openSession } from '../../functions/lib/inference/session.ts';
import { fixtureModel } from './model-cards.ts';

/** A program that scores a gray picture and ends in one of three ways: `close`, `forget`, `exit`. */
const session = await openSession(fixtureModel('judge'), { device: 'cpu', threads: 1 });
const gray = (side: number) => ({
  type: 'float32' as const,
  dims: [1, 3, side, side],
  data: new Float32Array(3 * side * side).fill(0.5),
});
const { outputs } = await session.run({ image: gray(64) });
console.log(`score ${outputs.score?.data[0]}`);
if (process.argv[2] === 'close') await session.close();
if (process.argv[2] === 'exit') {
  session.run({ image: gray(4096) }).catch(() => undefined);
  setTimeout(() => process.exit(3), 20);
}
