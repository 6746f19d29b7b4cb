import { errorFields, type Log } from '../lib/cloud/log.ts';
import { asRestorationError } from '../lib/contracts/errors.ts';
import { compareSequencers, type Upload } from '../lib/contracts/object-event.ts';
import { acceptEvent, type Buckets, type DispatchContext, dispatch } from './dispatch.ts';

/** A message of the queue, as far as it is read. */
export interface Message {
  messageId: string;
  /** JSON of an EventBridge event. */
  body: string;
}

export interface MessagesContext extends DispatchContext {
  buckets: Buckets;
  log: Log;
}

/**
 * Turns a batch of messages into one job.
 * @returns the ids of the messages that are handed back: those that are no event go to the dead letters alone, after as many
 *   receipts as the queue allows; where no job could be submitted, all uploads come again
 */
export async function dispatchMessages(messages: Message[], context: MessagesContext): Promise<string[]> {
  const { layout, buckets, log } = context;
  const poison: string[] = [];
  const accepted: { messageId: string; upload: Upload }[] = [];
  for (const { messageId, body } of messages) {
    const found = acceptEvent(parsed(body), layout, buckets);
    if (!found) {
      poison.push(messageId);
      log('error', 'message is no object-created event', { messageId, body: body.slice(0, 500) });
    } else if ('reason' in found) log('info', 'upload ignored', { messageId, ...found });
    else accepted.push({ messageId, upload: found });
  }
  if (accepted.length === 0) return poison;

  const uploads = newestOfEach(accepted.map(({ upload }) => upload));
  try {
    const manifest = await dispatch(uploads, context);
    log('info', 'job submitted', { manifest, uploads: uploads.length, messages: accepted.length });
    return poison;
  } catch (thrown) {
    log('error', 'messages handed back', { messages: accepted.length, ...errorFields(asRestorationError(thrown)) });
    return [...poison, ...accepted.map(({ messageId }) => messageId)];
  }
}

/** A version that a later one in the same batch overtakes needs no work; the order is that of keys, so that the same batch in disorder is the same job. */
function newestOfEach(uploads: Upload[]): Upload[] {
  const newest = new Map<string, Upload>();
  for (const upload of uploads) {
    const other = newest.get(upload.key);
    if (!other || compareSequencers(other.sequencer ?? '', upload.sequencer ?? '') < 0) newest.set(upload.key, upload);
  }
  return [...newest.values()].sort((a, b) => (a.key < b.key ? -1 : 1));
}

function parsed(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}
