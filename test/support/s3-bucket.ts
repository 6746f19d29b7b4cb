import { randomBytes } from 'node:crypto';
import { CreateBucketCommand, GetObjectTaggingCommand, PutBucketVersioningCommand, S3Client } from '@aws-sdk/client-s3';
import { S3Store } from '../../functions/lib/storage/s3-store.ts';

/** S3 for tests that only an S3 can carry; `with-ministack.ts` starts one. */
export const s3Endpoint = process.env.IQPIR_TEST_S3_ENDPOINT;

export interface TestBucket {
  store: S3Store;
  tagsOf(key: string): Promise<Record<string, string>>;
  dispose(): void;
}

/** A new, empty bucket that keeps versions, or one that keeps none. */
export async function testBucket({ versioned = true } = {}): Promise<TestBucket> {
  const client = new S3Client({
    endpoint: s3Endpoint,
    region: 'us-east-1',
    forcePathStyle: true,
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
  });
  const bucket = `bucket-${randomBytes(8).toString('hex')}`;
  await client.send(new CreateBucketCommand({ Bucket: bucket }));
  if (versioned) {
    const VersioningConfiguration = { Status: 'Enabled' } as const;
    await client.send(new PutBucketVersioningCommand({ Bucket: bucket, VersioningConfiguration }));
  }
  return {
    store: new S3Store({ client, bucket }),
    async tagsOf(key) {
      const { TagSet = [] } = await client.send(new GetObjectTaggingCommand({ Bucket: bucket, Key: key }));
      return Object.fromEntries(TagSet.map(({ Key, Value }) => [Key, Value ?? '']));
    },
    dispose: () => client.destroy(),
  };
}
