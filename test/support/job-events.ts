import { JobEvent } from '../../functions/lib/contracts/job-event.ts';

/** Batch's own words of a job that failed, with what a test wants to be different. */
export function jobEvent(bucket: string, manifestKey: string, detail: object = {}): JobEvent {
  return JobEvent.parse({
    version: '0',
    id: 'c8f9c4b5-76e5-d76a-f980-7011e206042b',
    'detail-type': 'Batch Job State Change',
    source: 'aws.batch',
    account: '123456789012',
    time: '2026-11-23T11:00:00Z',
    region: 'eu-central-1',
    resources: ['arn:aws:batch:eu-central-1:123456789012:job/4c7599ae'],
    detail: {
      jobName: 'iqpir-0123456789abcdef',
      jobId: '4c7599ae',
      jobQueue: 'arn:aws:batch:eu-central-1:123456789012:job-queue/restore',
      status: 'FAILED',
      statusReason: 'Essential container in task exited',
      attempts: [
        { container: { exitCode: 1, logStreamName: 'restore/1' }, statusReason: 'Essential container in task exited' },
      ],
      parameters: { manifest: `s3://${bucket}/${manifestKey}` },
      container: { exitCode: 1 },
      ...detail,
    },
  });
}
