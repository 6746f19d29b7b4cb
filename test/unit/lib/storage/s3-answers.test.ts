import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener } from 'node:http';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { S3Client } from '@aws-sdk/client-s3';
import { afterEach, describe, expect, it } from 'vitest';
import { S3Store } from '../../../../functions/lib/storage/s3-store.ts';
import { expectCode, keysOf } from '../../../support/store-under-test.ts';

/** S3's answers as they come over the wire, from a server of this test: the ones that no emulator gives. */
const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

async function storeAnsweredBy(answer: RequestListener, maxAttempts = 1): Promise<S3Store> {
  const server = createServer(answer).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : undefined;
  return storeAt(`http://127.0.0.1:${port}`, maxAttempts, () => {
    server.closeAllConnections();
    server.close();
  });
}

function storeAt(endpoint: string, maxAttempts: number, close: () => void): S3Store {
  const client = new S3Client({
    endpoint,
    maxAttempts,
    region: 'eu-central-1',
    forcePathStyle: true,
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
  });
  closers.push(() => {
    client.destroy();
    close();
  });
  return new S3Store({ client, bucket: 'photos' });
}

function refusal(status: number, code: string): RequestListener {
  return (request, response) => {
    request.resume();
    request.on('end', () => {
      response.writeHead(status, { 'content-type': 'application/xml' });
      response.end(request.method === 'HEAD' ? '' : `<Error><Code>${code}</Code><Message>${code}</Message></Error>`);
    });
  };
}

describe('S3Store tells what a refusal means', () => {
  it.each([
    [403, 'AccessDenied', 'source-unreadable'],
    [404, 'NoSuchKey', 'source-gone'],
    [404, 'NoSuchVersion', 'source-gone'],
    [404, 'NoSuchBucket', 'invalid-configuration'],
    [405, 'MethodNotAllowed', 'source-gone'],
    [412, 'PreconditionFailed', 'source-gone'],
    [400, 'ExpiredToken', 'source-unreadable'],
    [403, 'RequestTimeTooSkewed', 'store-unavailable'],
    [503, 'SlowDown', 'store-unavailable'],
    [500, 'InternalError', 'store-unavailable'],
    [429, 'TooManyRequests', 'store-unavailable'],
  ] as const)('reading: %i %s is %s', async (status, name, code) => {
    const store = await storeAnsweredBy(refusal(status, name));
    const error = await expectCode(store.get('a.jpg', { etag: 'e' }), code);
    expect(error.cause).toMatchObject({ $metadata: { httpStatusCode: status } });
    expect(error.message).toContain('a.jpg');
  });

  it.each([
    [403, 'AccessDenied', 'source-unreadable'],
    [409, 'ConditionalRequestConflict', 'store-conflict'],
    [412, 'PreconditionFailed', 'store-conflict'],
    [404, 'NoSuchKey', 'store-conflict'],
    [404, 'NoSuchBucket', 'invalid-configuration'],
    [400, 'KeyTooLongError', 'invalid-request'],
    [400, 'BadDigest', 'store-unavailable'],
    [404, 'NoSuchUpload', 'store-unavailable'],
    [503, 'SlowDown', 'store-unavailable'],
  ] as const)('writing: %i %s is %s', async (status, name, code) => {
    const store = await storeAnsweredBy(refusal(status, name));
    const condition = { etag: 'e' };
    expect((await expectCode(store.put('a', Buffer.from('x'), { condition }), code)).cause).toBeDefined();
    const stream = Readable.from([Buffer.alloc(9 << 20), Buffer.alloc(9 << 20)]);
    expect((await expectCode(store.put('a', stream, { condition }), code)).cause).toBeDefined();
    expect(stream.destroyed).toBe(true);
  });

  it.each([
    [403, 'source-unreadable'],
    [500, 'store-unavailable'],
  ] as const)('a head answered with %i is %s, not an absence', async (status, code) => {
    const store = await storeAnsweredBy(refusal(status, ''));
    await expectCode(store.head('a'), code);
  });

  it('a delete or a listing that is denied is source-unreadable', async () => {
    const store = await storeAnsweredBy(refusal(403, 'AccessDenied'));
    await expectCode(store.delete('a'), 'source-unreadable');
    await expectCode(keysOf(store, 'a/'), 'source-unreadable');
  });

  it('a server that does not answer is store-unavailable', async () => {
    const store = storeAt('http://127.0.0.1:9', 1, () => {});
    expect((await expectCode(store.head('a'), 'store-unavailable')).cause).toBeInstanceOf(Error);
  });

  it('a version that is a delete marker is an absence', async () => {
    const store = await storeAnsweredBy(refusal(405, 'MethodNotAllowed'));
    expect(await store.head('a', { version: 'marker' })).toBeUndefined();
  });
});

describe('S3Store sends a long stream', () => {
  it('with its tags and metadata in the first request and its condition in the last', async () => {
    const requests: IncomingMessage[] = [];
    const store = await storeAnsweredBy((request, response) => {
      requests.push(request);
      request.resume();
      request.on('end', () => {
        response.setHeader('etag', '"part"');
        if (request.url?.includes('uploads=') || request.url?.endsWith('uploads')) {
          response.end('<InitiateMultipartUploadResult><UploadId>u</UploadId></InitiateMultipartUploadResult>');
        } else if (request.method === 'POST') {
          response.setHeader('x-amz-version-id', 'v2');
          response.end(
            '<CompleteMultipartUploadResult><ETag>&quot;whole-2&quot;</ETag></CompleteMultipartUploadResult>',
          );
        } else response.end();
      });
    });
    const put = await store.put('a', Readable.from([Buffer.alloc(9 << 20)]), {
      contentType: 'image/png',
      metadata: { by: 'me' },
      tags: { 'quality band': 'a+b' },
      condition: 'absent',
    });
    expect(put).toMatchObject({ key: 'a', size: 9 << 20, etag: 'whole-2', version: 'v2' });
    expect(requests.map(({ method }) => method)).toEqual(['POST', 'PUT', 'PUT', 'POST']);
    expect(requests[0]?.headers).toMatchObject({
      'content-type': 'image/png',
      'x-amz-meta-by': 'me',
      'x-amz-tagging': 'quality%20band=a%2Bb',
    });
    expect(requests.at(-1)?.headers['if-none-match']).toBe('*');
  });

  it('and removes its parts where the last request is refused', async () => {
    const methods: (string | undefined)[] = [];
    const store = await storeAnsweredBy((request, response) => {
      methods.push(request.method);
      request.resume();
      request.on('end', () => {
        response.setHeader('etag', '"part"');
        if (request.method === 'POST' && methods.filter((method) => method === 'POST').length === 2) {
          response.statusCode = 412;
          response.end('<Error><Code>PreconditionFailed</Code></Error>');
        } else {
          response.end('<InitiateMultipartUploadResult><UploadId>u</UploadId></InitiateMultipartUploadResult>');
        }
      });
    });
    const stream = Readable.from([Buffer.alloc(9 << 20)]);
    await expectCode(store.put('a', stream, { condition: { etag: 'e' } }), 'store-conflict');
    expect(methods.at(-1)).toBe('DELETE');
  });
});

describe('S3Store with a weak network', () => {
  it('takes a body that ends early for a failure, never for a shorter object', async () => {
    const store = await storeAnsweredBy((_, response) => {
      response.writeHead(200, { 'content-length': '1000', etag: '"e"', 'last-modified': new Date().toUTCString() });
      response.write(Buffer.alloc(400), () => response.destroy());
    });
    const { head, body } = await store.get('a');
    expect(head.size).toBe(1000);
    expect((await expectCode(buffer(body), 'store-unavailable')).cause).toBeInstanceOf(Error);
  });

  it('asks for the rest where a connection is cut, of the same version and etag', async () => {
    const whole = Buffer.from(Array.from({ length: 1000 }, (_, at) => at % 251));
    const asked: (string | undefined)[] = [];
    const conditions: unknown[] = [];
    const store = await storeAnsweredBy((request, response) => {
      const start = Number(/bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0);
      asked.push(request.headers.range);
      conditions.push([request.headers['if-match'], request.url?.includes('versionId=v1')]);
      response.writeHead(start ? 206 : 200, {
        'content-length': `${whole.length - start}`,
        ...(start ? { 'content-range': `bytes ${start}-999/1000` } : {}),
        etag: '"e"',
        'last-modified': new Date().toUTCString(),
      });
      const end = Math.min(start + 400, whole.length);
      response.write(whole.subarray(start, end), () => (end === whole.length ? response.end() : response.destroy()));
    });
    const { head, body } = await store.get('a', { version: 'v1' });
    expect(head.size).toBe(1000);
    expect(await buffer(body)).toEqual(whole);
    expect(asked).toEqual([undefined, 'bytes=400-', 'bytes=800-']);
    expect(conditions).toEqual([
      [undefined, true],
      ['"e"', true],
      ['"e"', true],
    ]);
  });

  it('is source-gone where the object was replaced between a cut and the rest', async () => {
    let requests = 0;
    const store = await storeAnsweredBy((request, response) => {
      requests += 1;
      if (requests > 1) return refusal(412, 'PreconditionFailed')(request, response);
      response.writeHead(200, { 'content-length': '1000', etag: '"e"', 'last-modified': new Date().toUTCString() });
      response.write(Buffer.alloc(400), () => response.destroy());
    });
    const { body } = await store.get('a');
    await expectCode(buffer(body), 'source-gone');
  });

  it('gives up on a connection that gives nothing again and again', async () => {
    let requests = 0;
    const store = await storeAnsweredBy((request, response) => {
      requests += 1;
      const range = request.headers.range ? { 'content-range': 'bytes 400-999/1000' } : {};
      const length = request.headers.range ? '600' : '1000';
      const headers = { 'content-length': length, ...range, etag: '"e"', 'last-modified': new Date().toUTCString() };
      response.writeHead(request.headers.range ? 206 : 200, headers);
      response.write(request.headers.range ? '' : Buffer.alloc(400), () => setTimeout(() => response.destroy(), 20));
      if (request.headers.range) response.flushHeaders();
    });
    const { body } = await store.get('a');
    await expectCode(buffer(body), 'store-unavailable');
    expect(requests).toBe(6);
  });

  it('leaves trying again to the SDK', async () => {
    let requests = 0;
    const store = await storeAnsweredBy((request, response) => {
      requests += 1;
      if (requests < 3) return refusal(503, 'SlowDown')(request, response);
      response.writeHead(200, { 'content-length': '7', etag: '"e"', 'last-modified': new Date().toUTCString() });
      response.end();
    }, 3);
    expect((await store.head('a'))?.size).toBe(7);
    expect(requests).toBe(3);
  });

  it('lists page by page', async () => {
    const page = (next: string, key: string) =>
      `<ListBucketResult><EncodingType>url</EncodingType>${next}<Contents><Key>${key}</Key><Size>1</Size>` +
      '<ETag>&quot;e&quot;</ETag><LastModified>2026-01-01T00:00:00.000Z</LastModified></Contents></ListBucketResult>';
    const store = await storeAnsweredBy((request, response) => {
      const isSecond = request.url?.includes('continuation-token=more');
      response.end(
        isSecond
          ? page('<IsTruncated>false</IsTruncated>', 'b%2Bc+d')
          : page('<IsTruncated>true</IsTruncated><NextContinuationToken>more</NextContinuationToken>', 'a%01'),
      );
    });
    expect(await keysOf(store, '')).toEqual(['a\u0001', 'b+c d']);
  });
});
