import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { RestorationError } from '../contracts/errors.ts';

const patience = {
  retryMode: 'standard',
  maxAttempts: 6,
  requestHandler: { connectionTimeout: 3_000, requestTimeout: 5_000, throwOnRequestTimeout: true },
} as const;

export interface BusEvent {
  source: string;
  detailType: string;
  detail: object;
}

/** Sends one event, or throws `store-unavailable`: then its sender must be tried again. */
export type SendEvent = (event: BusEvent) => Promise<void>;

/** @param bus name or ARN */
export function eventBus(bus: string): SendEvent {
  const client = new EventBridgeClient(patience);
  return async ({ source, detailType, detail }) => {
    const entry = { EventBusName: bus, Source: source, DetailType: detailType, Detail: JSON.stringify(detail) };
    const answer = await client.send(new PutEventsCommand({ Entries: [entry] })).catch((cause: unknown) => {
      throw notSent(bus, cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause), cause);
    });
    // A refused entry comes back in an answer that is otherwise a success.
    const refused = answer.Entries?.find(({ ErrorCode }) => ErrorCode);
    if (refused) throw notSent(bus, `${refused.ErrorCode}: ${refused.ErrorMessage}`);
  };
}

function notSent(bus: string, came: string, cause?: unknown): RestorationError {
  return new RestorationError(
    'store-unavailable',
    `Expected the event bus ${bus} to take an event, but it said ${came}. It is sent again with the next attempt.`,
    { cause },
  );
}
