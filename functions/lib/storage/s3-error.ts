import { type ErrorCode, RestorationError } from '../contracts/errors.ts';

/** What the SDK's errors carry; HEAD answers have no body, so often the status alone is known. */
export interface S3Failure {
  name: string;
  message: string;
  status?: number;
}

const codeOfName: Record<string, ErrorCode> = {
  NoSuchBucket: 'invalid-configuration',
  PermanentRedirect: 'invalid-configuration',
  CredentialsProviderError: 'invalid-configuration',
  ExpiredToken: 'source-unreadable',
  InvalidToken: 'source-unreadable',
  KeyTooLongError: 'invalid-request',
  MetadataTooLarge: 'invalid-request',
  InvalidTag: 'invalid-request',
  InvalidURI: 'invalid-request',
  InvalidArgument: 'invalid-request',
  InvalidRequest: 'invalid-request',
  EntityTooLarge: 'invalid-request',
  // Statuses that look like a refusal but pass with time.
  RequestTimeTooSkewed: 'store-unavailable',
  RequestTimeout: 'store-unavailable',
  BadDigest: 'store-unavailable',
  IncompleteBody: 'store-unavailable',
  // Put together already by a request whose answer was lost, or removed by a lifecycle rule.
  NoSuchUpload: 'store-unavailable',
};

const codeOfStatus: Record<number, ErrorCode> = {
  301: 'invalid-configuration',
  401: 'source-unreadable',
  403: 'source-unreadable',
  404: 'source-gone',
  // A version that is a delete marker.
  405: 'source-gone',
  409: 'store-conflict',
  412: 'store-conflict',
};

const advice: Partial<Record<ErrorCode, string>> = {
  'invalid-configuration': 'Check the bucket, its region and the credentials.',
  'source-unreadable': 'Give this role access to the object and its key.',
  'source-gone': 'It was deleted or replaced.',
  'store-conflict': 'Another writer came first: read again.',
  'invalid-request': 'S3 will not take it: change the request.',
  'store-unavailable': 'Try again later.',
};

export function failureOf(thrown: unknown): S3Failure {
  if (!(thrown instanceof Error)) return { name: 'Unknown', message: String(thrown) };
  const metadata = '$metadata' in thrown ? thrown.$metadata : undefined;
  const status =
    typeof metadata === 'object' && metadata !== null && 'httpStatusCode' in metadata
      ? Number(metadata.httpStatusCode)
      : undefined;
  return { name: thrown.name, message: thrown.message, status };
}

/** @param doing what failed, as the start of a sentence: `Reading "a.jpg" from s3://photos` */
export function s3Error(thrown: unknown, doing: string): RestorationError {
  if (thrown instanceof RestorationError) return thrown;
  const { name, message, status } = failureOf(thrown);
  const code = codeOfName[name] ?? codeOfStatus[status ?? 0] ?? 'store-unavailable';
  const answer = [name, status].filter((part) => part !== undefined).join(' ');
  return new RestorationError(code, `${doing} failed (${answer}): ${message}. ${advice[code]}`, { cause: thrown });
}
