import { Worker } from 'node:worker_threads';
import type { Pass } from './reaper.ts';

/**
 * The models run in worker threads: what is sent to them, and what comes back, tells what is done with a picture. The restorer
 * alone is asked for a score, and one picture at a time is in the network.
 */
export function watchModels(pass: Pass): void {
  let candidate = false;
  let lastRun = 0;
  const send = Worker.prototype.postMessage;
  Worker.prototype.postMessage = function (message: unknown, ...rest: []) {
    if (isRun(message)) {
      const restores = Object.keys(message.feeds).length > 1;
      if (restores) pass('while it is restored');
      else pass(candidate ? 'while the candidate is assessed' : 'while it is assessed');
      if (!restores && candidate) lastRun = message.id;
      else lastRun = -1;
      candidate = restores;
    }
    return send.call(this, message, ...rest);
  };
  const emit = Worker.prototype.emit as (event: string, ...values: unknown[]) => boolean;
  Worker.prototype.emit = function (this: Worker, event: string, ...values: unknown[]) {
    const [reply] = values;
    if (event === 'message' && isReply(reply) && reply.id === lastRun) pass('before the candidate is encoded');
    return emit.call(this, event, ...values);
  } as typeof Worker.prototype.emit;
}

function isRun(message: unknown): message is { id: number; feeds: Record<string, unknown> } {
  return typeof message === 'object' && message !== null && 'kind' in message && message.kind === 'run';
}

function isReply(message: unknown): message is { id: number } {
  return typeof message === 'object' && message !== null && 'kind' in message && message.kind === 'ran';
}
