import { createHash } from 'node:crypto';

/** The keys of a job role's session; the launcher of the emulator registers the same of the same role. */
export function sessionOf(roleArn: string): Record<string, string> {
  const digest = createHash('sha256').update(`batch:${roleArn}`).digest('hex');
  return {
    AWS_ACCESS_KEY_ID: `ASIA${digest.slice(0, 16).toUpperCase()}`,
    AWS_SECRET_ACCESS_KEY: digest,
    AWS_SESSION_TOKEN: [...digest].reverse().join(''),
  };
}
