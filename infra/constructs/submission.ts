import { PolicyStatement, type Role } from 'aws-cdk-lib/aws-iam';

/** What a program needs to submit a job. */
export interface Submission {
  readonly jobQueueArn: string;
  /** With its revision: what is queued must not change under way. */
  readonly jobDefinitionArn: string;
  /** Every revision of it: a function that still runs with the last deployment's environment must not be refused. */
  readonly anyRevisionArn: string;
}

export function maySubmit(role: Role, { jobQueueArn, anyRevisionArn }: Submission): void {
  role.addToPolicy(new PolicyStatement({ actions: ['batch:SubmitJob'], resources: [jobQueueArn, anyRevisionArn] }));
}
