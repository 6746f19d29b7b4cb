import { type ErrorCode, faultOf } from '../lib/contracts/errors.ts';
import type { JobEvent } from '../lib/contracts/job-event.ts';
import type { RestorationRecord } from '../lib/contracts/record.ts';

export type RecordedError = Extract<RestorationRecord, { status: 'failed' }>['error'];

interface Kind {
  /** What Batch and ECS say of it; the first kind that fits is taken. */
  says: RegExp;
  code: ErrorCode;
  came: string;
  advice: string;
}

const kinds: Kind[] = [
  {
    says: /attempt duration exceeded|timeout|timed out/i,
    code: 'job-timeout',
    came: 'its job ran into the time limit',
    advice: 'Raise the limit, or look in the log of the job for what hung.',
  },
  {
    says: /out ?of ?memory|memory usage/i,
    code: 'out-of-memory',
    came: 'its job ran out of memory',
    advice: 'Lower maxPixels, or give the job more memory.',
  },
  {
    says: /host ec2|instance terminated|spot/i,
    code: 'host-lost',
    came: 'the machine of its job was taken away each time',
    advice: 'Run it again (iqpir aws backfill).',
  },
  {
    says: /misconfiguration|cannotpull|cannotstart|resourceinitialization/i,
    code: 'invalid-configuration',
    came: 'its job could not be started as configured',
    advice: 'Mend the compute environment, the image or the role, then run it again (iqpir aws backfill).',
  },
  {
    says: /capacity/i,
    code: 'no-capacity',
    came: 'no machine could be had for its job',
    advice: 'Allow more instance types or vCPUs, or run it again later (iqpir aws backfill).',
  },
];

/** The container's own word: what it met, trying again would meet again. */
const configurationExit = 2;

/** What befell an upload whose job failed for good, by what Batch says of the job. */
export function errorOfJob({ detail }: JobEvent): RecordedError {
  const last = detail.attempts.at(-1);
  const exitCode = detail.container?.exitCode ?? last?.container?.exitCode;
  const said = [detail.statusReason, detail.container?.reason, last?.statusReason, last?.container?.reason];
  const reasons = [...new Set(said.filter((reason) => reason !== undefined && reason !== ''))];
  const kind = kinds.find(({ says }) => reasons.some((reason) => says.test(reason ?? '')));
  const refused = exitCode === configurationExit;
  const { code, came, advice } = kind ?? {
    code: refused ? ('invalid-configuration' as const) : ('job-failed' as const),
    came: refused ? 'its job stopped over its configuration' : 'its job failed',
    advice: refused
      ? 'Mend what the log of the job names, then run it again (iqpir aws backfill).'
      : 'Look in the log of the job, then run it again (iqpir aws backfill).',
  };
  const words = [...reasons, ...(exitCode === undefined ? [] : [`exit code ${exitCode}`]), `job ${detail.jobId}`];
  const message = `Expected the job to settle this upload, but ${came} (${words.join('; ')}). ${advice}`;
  return { code, fault: faultOf[code], message };
}
