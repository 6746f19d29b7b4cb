import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DeleteObjectCommand, GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sessionOf } from '../../support/aws/batch/credentials.ts';
import { findDefinition } from '../../support/aws/batch/find-definition.ts';
import { chainAsked, saySkipped } from '../../support/aws/needs.ts';
import { type Pipeline, startPipeline } from '../../support/aws/pipeline.ts';
import { untilSettled } from '../../support/aws/quiet.ts';
import { uploader } from '../../support/aws/uploads.ts';
import { root } from '../../support/cli.ts';

const prefix = 'photos/';
const patience = 600_000;

saySkipped('the whole path with roles, policies and TLS enforced');

describe.skipIf(!chainAsked)(
  'the pipeline with its roles, its policies and TLS enforced',
  { timeout: patience },
  () => {
    let pipeline: Pipeline;
    let uploads: ReturnType<typeof uploader>;
    let asJob: S3Client;

    beforeAll(async () => {
      pipeline = await startPipeline({ secured: true, longestWindow: 3 });
      uploads = uploader(pipeline.buckets);
      const definition = await findDefinition(pipeline.emulator, pipeline.outputs.JobDefinition);
      const session = sessionOf(definition?.containerProperties.jobRoleArn ?? '');
      const credentials = {
        accessKeyId: session.AWS_ACCESS_KEY_ID ?? '',
        secretAccessKey: session.AWS_SECRET_ACCESS_KEY ?? '',
        sessionToken: session.AWS_SESSION_TOKEN,
      };
      asJob = new S3Client({ ...pipeline.emulator.options, credentials });
    }, patience);
    afterAll(() => pipeline?.stop(), 120_000);

    it('restores, records a failure, settles a terminated job: each program may do what it does', async () => {
      const picture = await readFile(join(root, 'samples', 'pagoda.jpg'));
      await uploads.put(`${prefix}damaged.jpg`, picture);
      await uploads.put(`${prefix}empty.jpg`, Buffer.alloc(0));
      const first = await untilSettled(pipeline, uploads.originals);
      expect(first.breaches).toEqual([]);
      expect(first.counts.byStatus).toEqual({ succeeded: 1, 'failed: empty-file': 1 });

      await uploads.put(`${prefix}never-run.jpg`, picture);
      const known = pipeline.jobs.all().length;
      while (pipeline.jobs.all().length === known) await new Promise((resolve) => setTimeout(resolve, 10));
      const job = pipeline.jobs.all().at(-1);
      pipeline.jobs.terminate(job?.jobId ?? '', 'Terminated by the test');
      const { breaches, counts } = await untilSettled(pipeline, uploads.originals);
      console.log('secured:', JSON.stringify(counts));
      expect(breaches).toEqual([]);
      expect(counts).toMatchObject({ uploads: 3, records: 3 });
    });

    it('lets a job neither write nor delete uploads, nor read what is not its own', async () => {
      const { uploads: Bucket, results } = pipeline.buckets;
      const allowed = asJob.send(new GetObjectCommand({ Bucket, Key: `${prefix}damaged.jpg` }));
      expect((await allowed).ContentLength).toBeGreaterThan(0);
      const refused = (command: Promise<unknown>) => expect(command).rejects.toMatchObject({ name: 'AccessDenied' });
      await refused(asJob.send(new PutObjectCommand({ Bucket, Key: `${prefix}damaged.jpg`, Body: 'mine' })));
      await refused(asJob.send(new DeleteObjectCommand({ Bucket, Key: `${prefix}damaged.jpg` })));
      await refused(asJob.send(new DeleteObjectCommand({ Bucket: results, Key: 'records/damaged.jpg.json' })));
      await refused(asJob.send(new PutObjectCommand({ Bucket: results, Key: 'manifests/mine.json', Body: '{}' })));
      await refused(asJob.send(new GetObjectCommand({ Bucket: results, Key: 'rows/any.json' })));
    });
  },
);
