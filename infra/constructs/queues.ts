import { Duration, Validations } from 'aws-cdk-lib';
import { Queue, QueueEncryption, type QueueProps } from 'aws-cdk-lib/aws-sqs';
import type { Construct } from 'constructs';

/** Encrypted, and spoken to over TLS alone. */
export function privateQueue(scope: Construct, id: string, props: QueueProps = {}): Queue {
  return new Queue(scope, id, { ...props, encryption: QueueEncryption.SQS_MANAGED, enforceSSL: true });
}

/** Keeps what was given up for as long as SQS keeps anything: two weeks to look and redrive. */
export function deadLetters(scope: Construct, id: string): Queue {
  const queue = privateQueue(scope, id, { retentionPeriod: Duration.days(14) });
  Validations.of(queue).acknowledge({
    id: 'AwsSolutions-SQS3',
    reason: 'This is a dead letter queue: of a rule or of a function, which cdk-nag does not see.',
  });
  return queue;
}
