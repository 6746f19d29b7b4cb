import type { JobDefinition } from './job-definition.ts';

/** How one attempt of a job ended. */
export interface Exit {
  /** Left out where no container ran to its end, as when its machine was taken away. */
  exitCode?: number;
  statusReason: string;
  /** What the container's engine said, as `OutOfMemoryError: ...`. */
  reason?: string;
}

/**
 * The first rule that an exit meets decides; an exit that meets none is retried, as is any where there are no rules. At most
 * `attempts` in all.
 * @see https://docs.aws.amazon.com/batch/latest/APIReference/API_RetryStrategy.html
 */
export function isRetried(strategy: JobDefinition['retryStrategy'], attempt: number, exit: Exit): boolean {
  if (attempt >= strategy.attempts) return false;
  const rule = strategy.evaluateOnExit.find(
    ({ onStatusReason, onReason, onExitCode }) =>
      matches(onStatusReason, exit.statusReason) &&
      matches(onReason, exit.reason) &&
      matches(onExitCode, exit.exitCode?.toString()),
  );
  return rule?.action !== 'EXIT';
}

/** Patterns may end in an asterisk, and have none elsewhere. */
function matches(pattern: string | undefined, text = ''): boolean {
  if (pattern === undefined) return true;
  return pattern.endsWith('*') ? text.startsWith(pattern.slice(0, -1)) : text === pattern;
}
