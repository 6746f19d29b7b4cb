/**
 * Runs a command with MiniStack beside it and IQPIR_TEST_S3_ENDPOINT set, then stops MiniStack:
 *   IQPIR_MINISTACK=.venv-ministack/bin/ministack npx tsx test/support/with-ministack.ts npx vitest run test/unit/lib/storage
 * Exits as the command does.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { startMinistack } from './ministack.ts';

const [command, ...args] = process.argv.slice(2);
if (!command) throw new Error('Expected a command to run with MiniStack, received none');

const ministack = await startMinistack();
try {
  const env = { ...process.env, IQPIR_TEST_S3_ENDPOINT: ministack.endpoint };
  const child = spawn(command, args, { env, stdio: 'inherit' });
  // Ctrl-C reaches the child by itself: this process only has to outlive it and stop MiniStack.
  process.on('SIGINT', () => {});
  process.on('SIGTERM', () => child.kill('SIGTERM'));
  const [code] = await once(child, 'exit');
  process.exitCode = code ?? 1;
} finally {
  await ministack.stop();
}
