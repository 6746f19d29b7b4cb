import { describe, expect, it } from 'vitest';
import { faultOf } from '../../../functions/lib/contracts/errors.ts';
import { errorOfJob } from '../../../functions/settle/job-failure.ts';
import { jobEvent } from '../../support/job-events.ts';

describe('what befell a job', () => {
  it.each([
    ['Job attempt duration exceeded timeout', undefined, undefined, 'job-timeout'],
    [
      'Essential container in task exited',
      137,
      'OutOfMemoryError: Container killed due to memory usage',
      'out-of-memory',
    ],
    ['Host EC2 (instance i-0abc) terminated.', undefined, undefined, 'host-lost'],
    ['Essential container in task exited', 137, undefined, 'job-failed'],
    ['Essential container in task exited', 75, undefined, 'job-failed'],
    ['Essential container in task exited', 2, undefined, 'invalid-configuration'],
    ['CannotPullContainerError: manifest unknown', undefined, undefined, 'invalid-configuration'],
    ['MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT', undefined, undefined, 'invalid-configuration'],
    ['CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY', undefined, undefined, 'no-capacity'],
    ['Terminated by an operator', undefined, undefined, 'job-failed'],
  ] as const)('%s (exit code %s, %s) is %s', (statusReason, exitCode, reason, code) => {
    const detail = { statusReason, container: { exitCode, reason }, attempts: [] };
    const error = errorOfJob(jobEvent('results', 'manifests/x.json', detail));
    expect(error).toMatchObject({ code, fault: faultOf[code] });
    expect(error.message).toContain(statusReason);
    expect(error.message).toContain('job 4c7599ae');
  });
});
