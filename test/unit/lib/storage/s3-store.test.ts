import { randomBytes } from 'node:crypto';
import {
  CreateBucketCommand,
  GetObjectTaggingCommand,
  ListMultipartUploadsCommand,
  PutBucketVersioningCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { describe } from 'vitest';
import { S3Store } from '../../../../functions/lib/storage/s3-store.ts';
import { describeStoreContract } from '../../../support/store-contract.ts';

const endpoint = process.env.IQPIR_TEST_S3_ENDPOINT;
if (!endpoint) {
  console.warn(
    'S3Store: its contract was NOT tested, there is no S3 here. Set IQPIR_TEST_S3_ENDPOINT to one, or let\n' +
      '  npx tsx test/support/with-ministack.ts npx vitest run test/unit/lib/storage\n' +
      'start MiniStack 1.5.33 for it (pip install ministack==1.5.33; IQPIR_MINISTACK names the program).',
  );
}

describe.skipIf(!endpoint)('with S3 at IQPIR_TEST_S3_ENDPOINT', () => {
  describeStoreContract('S3Store', async () => {
    const client = new S3Client({
      endpoint,
      region: 'us-east-1',
      forcePathStyle: true,
      credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    });
    const bucket = `store-${randomBytes(8).toString('hex')}`;
    await client.send(new CreateBucketCommand({ Bucket: bucket }));
    await client.send(
      new PutBucketVersioningCommand({ Bucket: bucket, VersioningConfiguration: { Status: 'Enabled' } }),
    );
    return {
      store: new S3Store({ client, bucket }),
      other: new S3Store({ client, bucket }),
      keepsVersions: true,
      extraKeys: ['é'.repeat(512), 'ends/in/slash/', 'two//slashes', 'tab\tand\u0001control'],
      async tagsOf(key) {
        const { TagSet = [] } = await client.send(new GetObjectTaggingCommand({ Bucket: bucket, Key: key }));
        return Object.fromEntries(TagSet.map(({ Key, Value }) => [Key, Value ?? '']));
      },
      async dispose() {
        const { Uploads = [] } = await client.send(new ListMultipartUploadsCommand({ Bucket: bucket }));
        client.destroy();
        if (Uploads.length > 0) throw new Error(`Expected no unfinished uploads, found ${Uploads.length}`);
      },
    };
  });
});
