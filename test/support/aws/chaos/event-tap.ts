import {
  DisableRuleCommand,
  type EventBridgeClient,
  ListRulesCommand,
  PutRuleCommand,
  PutTargetsCommand,
} from '@aws-sdk/client-eventbridge';
import {
  CreateQueueCommand,
  DeleteMessageBatchCommand,
  ReceiveMessageCommand,
  SendMessageBatchCommand,
  type SQSClient,
} from '@aws-sdk/client-sqs';
import { region } from '../emulator.ts';
import type { Pipeline } from '../pipeline.ts';

/** Takes S3's own events away from the pipeline, so that a test decides how often and in which order they come. */
export interface EventTap {
  /** The bodies of so many events, in the order in which they were raised. */
  collect(count: number): Promise<string[]>;
  /** Hands events to the pipeline's queue. */
  deliver(bodies: string[]): Promise<void>;
}

export async function tapEvents({ events, sqs, buckets, outputs }: Pipeline): Promise<EventTap> {
  const queue = await queueOf(events, sqs, 'tapped', {
    source: ['aws.s3'],
    detail: { bucket: { name: [buckets.uploads] } },
  });
  const rule = await ruleOfUploads(events);
  await events.send(new DisableRuleCommand({ Name: rule }));
  const deliverTo = outputs.Queue ?? '';
  return {
    collect: (count) => drain(sqs, queue, count),
    async deliver(bodies) {
      for (let at = 0; at < bodies.length; at += 10) {
        const Entries = bodies.slice(at, at + 10).map((MessageBody, index) => ({ Id: `${index}`, MessageBody }));
        await sqs.send(new SendMessageBatchCommand({ QueueUrl: deliverTo, Entries }));
      }
    },
  };
}

/** A queue that hears of events. @returns its URL */
export async function queueOf(
  events: EventBridgeClient,
  sqs: SQSClient,
  name: string,
  pattern: object,
): Promise<string> {
  const { QueueUrl = '' } = await sqs.send(new CreateQueueCommand({ QueueName: name }));
  await events.send(new PutRuleCommand({ Name: name, EventPattern: JSON.stringify(pattern) }));
  const Arn = `arn:aws:sqs:${region}:000000000000:${name}`;
  await events.send(new PutTargetsCommand({ Rule: name, Targets: [{ Id: 'queue', Arn }] }));
  return QueueUrl;
}

/** Takes messages out of a queue until there were so many, or none has come for a while. */
export async function drain(sqs: SQSClient, QueueUrl: string, count: number): Promise<string[]> {
  const bodies: string[] = [];
  while (bodies.length < count) {
    const request = { QueueUrl, MaxNumberOfMessages: 10, WaitTimeSeconds: 5 };
    const { Messages = [] } = await sqs.send(new ReceiveMessageCommand(request));
    if (Messages.length === 0) break;
    bodies.push(...Messages.map(({ Body = '' }) => Body));
    const Entries = Messages.map(({ ReceiptHandle }, index) => ({ Id: `${index}`, ReceiptHandle }));
    await sqs.send(new DeleteMessageBatchCommand({ QueueUrl, Entries }));
  }
  return bodies;
}

/** The stack's rule over created objects. */
export async function ruleOfUploads(events: EventBridgeClient): Promise<string> {
  const { Rules = [] } = await events.send(new ListRulesCommand({}));
  const rule = Rules.find(
    ({ Name, EventPattern = '' }) => Name !== 'tapped' && EventPattern.includes('Object Created'),
  );
  if (!rule?.Name) throw new Error("Expected the stack's rule over created objects");
  return rule.Name;
}
