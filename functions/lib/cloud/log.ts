import type { RestorationError } from '../contracts/errors.ts';

export type Log = (level: 'info' | 'warn' | 'error', message: string, fields?: Record<string, unknown>) => void;

/** One JSON object a line: what CloudWatch's queries and metric filters read. Fields are named by the caller; never pass an environment. */
export const logLine: Log = (level, message, fields = {}) => {
  const time = new Date().toISOString();
  process.stdout.write(`${JSON.stringify({ time, level, message, ...fields })}\n`);
};

export function errorFields({ code, fault, message }: RestorationError): Record<string, string> {
  return { code, fault, error: message };
}
