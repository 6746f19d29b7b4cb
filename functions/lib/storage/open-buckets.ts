import { S3Client } from '@aws-sdk/client-s3';
import { S3Store } from './s3-store.ts';

/** A connection that says nothing for so long is dead: the request is made again. */
const patience = { connectionTimeout: 5_000, socketTimeout: 30_000 };

/** Buckets of one account and region, as the environment says, over one pool of connections. */
export function openBuckets<Name extends string>(names: Record<Name, string>): Record<Name, S3Store> {
  const client = new S3Client({ retryMode: 'standard', maxAttempts: 6, requestHandler: patience });
  const entries = Object.entries<string>(names).map(([name, bucket]) => [name, new S3Store({ client, bucket })]);
  return Object.fromEntries(entries);
}
