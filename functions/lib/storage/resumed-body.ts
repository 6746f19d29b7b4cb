import { Readable } from 'node:stream';
import { setTimeout as pause } from 'node:timers/promises';
import type { RestorationError } from '../contracts/errors.ts';

/** So many connections in a row may break without giving a byte; the waits between them grow from 0.1 s to 1.6 s. */
const fruitlessAttempts = 5;
const firstWait = 100;

export interface Resumption {
  /** Of the whole object, bytes. */
  size: number;
  /** The same object's bytes from there on. Throws what must end the reading. */
  from(start: number): Promise<Readable>;
  /** Our error for a connection that broke too often. */
  failed(cause: unknown): RestorationError;
}

/**
 * An object's bytes, exactly as many as it has: where a connection is cut, the rest is asked for. A large picture is not
 * begun anew for one lost packet, and a connection that ends early is never taken for a shorter object.
 */
export function resumedBody(first: Readable, { size, from, failed }: Resumption): Readable {
  async function* bytes() {
    let current = first;
    let received = 0;
    for (let fruitless = 0; ; ) {
      const before = received;
      let broken: unknown = new Error(`expected ${size} bytes, received ${received}`);
      try {
        for await (const chunk of current) {
          received += chunk.length;
          yield chunk;
        }
        if (received === size) return;
      } catch (error) {
        broken = error;
      }
      fruitless = received > before ? 0 : fruitless + 1;
      // All bytes and yet an error: their checksum is wrong, and asking for more would not mend it.
      if (received >= size || fruitless === fruitlessAttempts) throw failed(broken);
      await pause(firstWait * 2 ** fruitless);
      current = await from(received);
    }
  }
  const body = Readable.from(bytes(), { objectMode: false });
  // A connection that breaks before its first read has no listener yet; the iteration above throws the error later.
  first.on('error', () => {});
  // A body that is dropped unread never enters the iteration that would close its connection.
  body.once('close', () => first.destroy());
  return body;
}
