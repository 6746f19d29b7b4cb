/**
 * Who has to act: `input` the owner of the picture, `config` the operator, `transient` nobody but time.
 * The fault decides the exit code and whether the work is tried again.
 */
export type Fault = 'input' | 'config' | 'transient';

/** Every way in which a restoration can fail, and whose it is. */
export const faultOf = {
  'empty-file': 'input',
  'unsupported-format': 'input',
  'corrupt-image': 'input',
  'too-many-pixels': 'input',
  'invalid-request': 'input',
  'output-collision': 'input',
  'source-gone': 'input',
  'source-unreadable': 'config',
  'invalid-configuration': 'config',
  'invalid-manifest': 'config',
  'invalid-record': 'config',
  'model-not-found': 'config',
  'model-mismatch': 'config',
  'device-unavailable': 'config',
  /** The job, not the picture: it ran longer than it may, got no machine, ran out of memory, lost its host, or ended otherwise. */
  'job-timeout': 'config',
  'out-of-memory': 'config',
  'no-capacity': 'transient',
  'host-lost': 'transient',
  'job-failed': 'transient',
  'store-conflict': 'transient',
  'store-unavailable': 'transient',
  'inference-failed': 'transient',
  interrupted: 'transient',
  internal: 'transient',
} as const satisfies Record<string, Fault>;

export type ErrorCode = keyof typeof faultOf;

/** The one error of this code base. Its message says what was expected, what came and what to do. */
export class RestorationError extends Error {
  readonly code: ErrorCode;
  readonly fault: Fault;

  constructor(code: ErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'RestorationError';
    this.code = code;
    this.fault = faultOf[code];
  }
}

/** Any thrown value as a RestorationError; what is not one already is `internal`. */
export function asRestorationError(thrown: unknown): RestorationError {
  if (thrown instanceof RestorationError) return thrown;
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  return new RestorationError('internal', `Unexpected error: ${message}`, { cause: thrown });
}

/** Whether a conditional put failed because somebody else was first. */
export function isConflict(thrown: unknown): boolean {
  return thrown instanceof RestorationError && thrown.code === 'store-conflict';
}
