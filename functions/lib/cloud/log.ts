import type { ErrorCode, Fault } from '../contracts/errors.ts';

export type Log = (level: 'info' | 'warn' | 'error', message: string, fields?: Record<string, unknown>) => void;

/** One JSON object a line: what CloudWatch's queries and metric filters read. Fields are named by the caller; never pass an environment. */
export const logLine: Log = (level, message, fields = {}) => {
  const time = new Date().toISOString();
  process.stdout.write(`${JSON.stringify({ time, level, message, ...fields })}\n`);
};

/** Of an error thrown or recorded. */
export function errorFields(error: { code: ErrorCode; fault: Fault; message: string }): Record<string, string> {
  const { code, fault, message } = error;
  return { code, fault, error: message };
}
