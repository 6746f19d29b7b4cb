import { Readable } from 'node:stream';
import {
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectVersionsCommand,
  type ListObjectVersionsCommandOutput,
  PutObjectCommand,
  type PutObjectCommandInput,
  type PutObjectCommandOutput,
  paginateListObjectsV2,
  type S3Client,
} from '@aws-sdk/client-s3';
import { Upload } from '@aws-sdk/lib-storage';
import { asRestorationError, RestorationError } from '../contracts/errors.ts';
import { checkedBody } from './checked-body.ts';
import { checkPutOptions } from './put-options.ts';
import { resumedBody } from './resumed-body.ts';
import { failureOf, s3Error } from './s3-error.ts';
import type { ObjectHead, ObjectInfo, ObjectStore, PutOptions } from './store.ts';

/** Streams are sent in parts of this size, two at a time; what fits into one part is sent as one object. */
const partSize = 8 * 1024 * 1024;
const partsAtATime = 2;

/**
 * A bucket. Retries are the SDK's: configure them on the client. A put that is retried after its answer was lost may
 * meet its own object and end as `store-conflict`, so after a conflict read again before giving up.
 */
export class S3Store implements ObjectStore {
  readonly bucket: string;
  readonly #client: S3Client;

  constructor({ client, bucket }: { client: S3Client; bucket: string }) {
    this.bucket = bucket;
    this.#client = client;
  }

  async head(key: string, { version }: { version?: string } = {}): Promise<ObjectHead | undefined> {
    try {
      const command = new HeadObjectCommand({ Bucket: this.bucket, Key: key, VersionId: version });
      return headOf(key, await this.#client.send(command));
    } catch (error) {
      const failure = s3Error(error, `Looking for ${this.#name(key)}`);
      if (failure.code === 'source-gone') return undefined;
      throw failure;
    }
  }

  async get(
    key: string,
    { version, etag }: { version?: string; etag?: string } = {},
  ): Promise<{ head: ObjectHead; body: Readable }> {
    const { head, body } = await this.#read(key, { version, etag });
    const resumed = resumedBody(body, {
      size: head.size,
      // Whatever is the key's object by now: the rest is that of the one that was begun.
      from: async (start) => (await this.#read(key, { version, etag: head.etag, start })).body,
      failed: (cause) => s3Error(cause, `Reading ${this.#name(key)}`),
    });
    return { head, body: resumed };
  }

  async #read(key: string, wanted: { version?: string; etag?: string; start?: number }) {
    const { version, etag, start } = wanted;
    try {
      const answer = await this.#client.send(
        new GetObjectCommand({
          Bucket: this.bucket,
          Key: key,
          VersionId: version,
          IfMatch: quoted(etag),
          Range: start === undefined ? undefined : `bytes=${start}-`,
        }),
      );
      if (!(answer.Body instanceof Readable)) throw new Error('Expected a stream as the body of an object');
      if (start !== undefined && !answer.ContentRange?.startsWith(`bytes ${start}-`)) {
        answer.Body.destroy();
        throw new Error(`Expected the bytes from ${start}, received ${answer.ContentRange ?? 'all of them'}`);
      }
      return { head: headOf(key, answer), body: answer.Body };
    } catch (error) {
      const failure = s3Error(error, `Reading ${this.#name(key)}`);
      if (failure.code === 'store-conflict') throw gone(key, `the etag ${etag}`, error);
      if (failureOf(error).name === 'InvalidArgument' && version) throw gone(key, `the version ${version}`, error);
      throw failure;
    }
  }

  /** S3 lists no versions: `version` is left out. */
  async *list(prefix: string): AsyncGenerator<ObjectInfo> {
    // Keys may hold characters that XML does not; encoded ones arrive whole.
    const request = { Bucket: this.bucket, Prefix: prefix, EncodingType: 'url' } as const;
    try {
      for await (const page of paginateListObjectsV2({ client: this.#client }, request)) {
        const decode = page.EncodingType === 'url' ? decoded : (key: string) => key;
        for (const { Key, Size, ETag, LastModified } of page.Contents ?? []) {
          yield { key: decode(Key ?? ''), size: Size ?? 0, etag: unquoted(ETag), lastModified: isoOf(LastModified) };
        }
      }
    } catch (error) {
      throw s3Error(error, `Listing ${this.#name(prefix)}`);
    }
  }

  /** The current version of every object, by its name where the bucket keeps versions. Deleted objects have none. */
  async *listVersions(prefix: string): AsyncGenerator<ObjectInfo> {
    const request = { Bucket: this.bucket, Prefix: prefix, EncodingType: 'url' } as const;
    let from: { KeyMarker?: string; VersionIdMarker?: string } | undefined = {};
    try {
      while (from) {
        const page: ListObjectVersionsCommandOutput = await this.#client.send(
          new ListObjectVersionsCommand({ ...request, ...from }),
        );
        const decode = page.EncodingType === 'url' ? decoded : (key: string) => key;
        for (const { Key = '', Size = 0, ETag, LastModified, VersionId, IsLatest } of page.Versions ?? []) {
          if (!IsLatest) continue;
          // "null" was put while the bucket kept no versions; its event had none either.
          const version = VersionId === 'null' ? undefined : VersionId;
          yield { key: decode(Key), size: Size, etag: unquoted(ETag), version, lastModified: isoOf(LastModified) };
        }
        from = page.IsTruncated
          ? { KeyMarker: decode(page.NextKeyMarker ?? ''), VersionIdMarker: page.NextVersionIdMarker }
          : undefined;
      }
    } catch (error) {
      throw s3Error(error, `Listing ${this.#name(prefix)}`);
    }
  }

  /** The time in the answer is this machine's: S3 tells its own only to a later request. */
  async put(key: string, body: Buffer | Readable, options: PutOptions = {}): Promise<ObjectInfo> {
    const { condition } = options;
    try {
      checkPutOptions(key, options);
      const request: PutObjectCommandInput = {
        Bucket: this.bucket,
        Key: key,
        ContentType: options.contentType,
        Metadata: options.metadata,
        Tagging: options.tags && encodedTags(options.tags),
        IfNoneMatch: condition === 'absent' ? '*' : undefined,
        IfMatch: typeof condition === 'object' ? quoted(condition.etag) : undefined,
      };
      const { answer, size } = Buffer.isBuffer(body)
        ? { answer: await this.#client.send(new PutObjectCommand({ ...request, Body: body })), size: body.length }
        : await this.#upload(request, body);
      const lastModified = new Date().toISOString();
      return { key, size, etag: unquoted(answer.ETag), version: answer.VersionId, lastModified };
    } catch (error) {
      if (body instanceof Readable) body.destroy();
      const failure = s3Error(error, `Writing ${this.#name(key)}`);
      const wasReplaced = typeof condition === 'object' && failure.code === 'source-gone';
      if (!wasReplaced) throw failure;
      throw new RestorationError('store-conflict', `Putting "${key}": expected ${condition.etag}, found no object.`, {
        cause: error,
      });
    }
  }

  async delete(key: string, { version }: { version?: string } = {}): Promise<void> {
    try {
      await this.#client.send(new DeleteObjectCommand({ Bucket: this.bucket, Key: key, VersionId: version }));
    } catch (error) {
      const failure = s3Error(error, `Deleting ${this.#name(key)}`);
      const noSuchVersion = version !== undefined && failureOf(error).name === 'InvalidArgument';
      if (failure.code !== 'source-gone' && !noSuchVersion) throw failure;
    }
  }

  /** Conditions are checked where the parts are put together; on failure the parts are removed. */
  async #upload(
    request: PutObjectCommandInput,
    body: Readable,
  ): Promise<{ answer: Pick<PutObjectCommandOutput, 'ETag' | 'VersionId'>; size: number }> {
    let size = 0;
    const counted = checkedBody(body, {
      chunk: (bytes) => {
        size += bytes.length;
      },
      end: () => {},
      failed: asRestorationError,
    });
    const params = { ...request, Body: counted };
    const answer = await new Upload({ client: this.#client, params, partSize, queueSize: partsAtATime }).done();
    return { answer, size };
  }

  #name(key: string): string {
    return `s3://${this.bucket}/${key}`;
  }
}

interface HeadAnswer {
  ContentLength?: number;
  ETag?: string;
  VersionId?: string;
  LastModified?: Date;
  ContentType?: string;
  Metadata?: Record<string, string>;
}

function headOf(key: string, answer: HeadAnswer): ObjectHead {
  return {
    key,
    size: answer.ContentLength ?? 0,
    etag: unquoted(answer.ETag),
    version: answer.VersionId,
    lastModified: isoOf(answer.LastModified),
    contentType: answer.ContentType,
    metadata: answer.Metadata ?? {},
  };
}

function gone(key: string, expected: string, cause: unknown): RestorationError {
  return new RestorationError('source-gone', `Expected ${expected} of "${key}", it was replaced or deleted.`, {
    cause,
  });
}

function encodedTags(tags: Record<string, string>): string {
  return Object.entries(tags)
    .map((pair) => pair.map(encodeURIComponent).join('='))
    .join('&');
}

function quoted(etag: string | undefined): string | undefined {
  return etag === undefined ? undefined : `"${etag}"`;
}

function unquoted(etag: string | undefined): string {
  return (etag ?? '').replaceAll('"', '');
}

function isoOf(date: Date | undefined): string {
  return (date ?? new Date(0)).toISOString();
}

function decoded(key: string): string {
  return decodeURIComponent(key.replaceAll('+', ' '));
}
