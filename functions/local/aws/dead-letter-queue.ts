import {
  ChangeMessageVisibilityBatchCommand,
  DeleteMessageBatchCommand,
  ReceiveMessageCommand,
  SendMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { RestorationError } from '../../lib/contracts/errors.ts';

export interface DeadLetter {
  body: string;
  /** When it was first put into a queue, ISO 8601. */
  sentAt: string;
  /** What the service that gave up on it says: EventBridge names its error, SQS says nothing. */
  reason?: string | undefined;
}

export interface HeldLetter extends DeadLetter {
  /** By which it is deleted or given back. */
  handle: string;
}

/** The part of SQS that redrive needs. A letter that is held is hidden from others for a while, and comes back by itself. */
export interface DeadLetterQueue {
  readonly url: string;
  /** Up to ten letters; none where the queue is empty. */
  hold(): Promise<HeldLetter[]>;
  remove(letters: HeldLetter[]): Promise<void>;
  giveBack(letters: HeldLetter[]): Promise<void>;
}

/** Long enough to look at every letter of a full queue and to move it. */
const holdSeconds = 900;
/** A short wait asks all of SQS's servers, where none asks only some of them and may miss letters. */
const waitSeconds = 2;

/** Region, credentials and endpoint come from the environment, as for every AWS tool. */
export function openQueues(): {
  deadLetters: (url: string) => DeadLetterQueue;
  send: (url: string, body: string) => Promise<void>;
} {
  const client = new SQSClient();
  return {
    deadLetters: (url) => deadLetterQueue(client, url),
    send: (url, body) =>
      attempt(`Sending to ${url}`, async () => {
        await client.send(new SendMessageCommand({ QueueUrl: url, MessageBody: body }));
      }),
  };
}

function deadLetterQueue(client: SQSClient, url: string): DeadLetterQueue {
  const request = { QueueUrl: url };
  return {
    url,
    hold: () =>
      attempt(`Reading ${url}`, async () => {
        const { Messages = [] } = await client.send(
          new ReceiveMessageCommand({
            ...request,
            MaxNumberOfMessages: 10,
            VisibilityTimeout: holdSeconds,
            WaitTimeSeconds: waitSeconds,
            MessageSystemAttributeNames: ['SentTimestamp'],
            MessageAttributeNames: ['ERROR_CODE', 'ERROR_MESSAGE'],
          }),
        );
        return Messages.map(({ Body = '', ReceiptHandle = '', Attributes, MessageAttributes }) => ({
          body: Body,
          handle: ReceiptHandle,
          sentAt: new Date(Number(Attributes?.SentTimestamp ?? 0)).toISOString(),
          reason:
            ['ERROR_CODE', 'ERROR_MESSAGE']
              .map((name) => MessageAttributes?.[name]?.StringValue)
              .filter((said) => said !== undefined)
              .join(': ') || undefined,
        }));
      }),
    remove: (letters) =>
      attempt(`Deleting from ${url}`, async () => {
        if (letters.length === 0) return;
        const Entries = letters.map(({ handle }, index) => ({ Id: `${index}`, ReceiptHandle: handle }));
        const { Failed = [] } = await client.send(new DeleteMessageBatchCommand({ ...request, Entries }));
        if (Failed[0]) throw new Error(`${Failed[0].Code}: ${Failed[0].Message}`);
      }),
    giveBack: (letters) =>
      attempt(`Giving back to ${url}`, async () => {
        if (letters.length === 0) return;
        const Entries = letters.map(({ handle }, index) => ({
          Id: `${index}`,
          ReceiptHandle: handle,
          VisibilityTimeout: 0,
        }));
        await client.send(new ChangeMessageVisibilityBatchCommand({ ...request, Entries }));
      }),
  };
}

/** What a person has to mend, a wrong name or a missing right, is told from what passes. */
async function attempt<T>(doing: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    const name = cause instanceof Error ? cause.name : 'Unknown';
    const message = cause instanceof Error ? cause.message : String(cause);
    const isOurs = /NonExistent|DoesNotExist|AccessDenied|Credentials|Token|Invalid|Region/i.test(`${name} ${message}`);
    throw new RestorationError(
      isOurs ? 'invalid-configuration' : 'store-unavailable',
      `${doing} failed (${name}): ${message}. ${isOurs ? 'Check the queue, its region and the credentials.' : 'Try again.'}`,
      { cause },
    );
  }
}
