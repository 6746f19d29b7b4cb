import { Readable } from 'node:stream';
import type { RestorationError } from '../contracts/errors.ts';

export interface BodyCheck {
  /** Sees every chunk before the reader does. */
  chunk(bytes: Buffer): void;
  /** Called after the last chunk; throws where the whole is not what was promised. */
  end(): void;
  /** Our error for whatever ended the body early. */
  failed(cause: unknown): RestorationError;
}

/** The same bytes, ending in an error instead of an end where the check finds them wrong. Read it or destroy it. */
export function checkedBody(source: Readable, check: BodyCheck): Readable {
  async function* bytes() {
    try {
      for await (const chunk of source) {
        check.chunk(chunk);
        yield chunk;
      }
      check.end();
    } catch (error) {
      throw check.failed(error);
    }
  }
  const body = Readable.from(bytes(), { objectMode: false });
  // A source that breaks before its first read has no listener yet; the iteration above throws the error later.
  source.on('error', () => {});
  // A body that is dropped unread never enters the iteration that would close its source.
  body.once('close', () => source.destroy());
  return body;
}
