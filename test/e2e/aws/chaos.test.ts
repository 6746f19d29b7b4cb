import { DeleteObjectCommand } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ObjectEvent } from '../../../functions/lib/contracts/object-event.ts';
import { killCauses, killPoints } from '../../support/aws/chaos/kill-points.ts';
import { shuffled } from '../../support/aws/chaos/shuffled.ts';
import { type Storm, startStorm } from '../../support/aws/chaos/storm.ts';
import { stormPictures } from '../../support/aws/chaos/storm-pictures.ts';
import type { CheckReport } from '../../support/aws/checker.ts';
import { chainAsked, saySkipped } from '../../support/aws/needs.ts';
import { untilSettled } from '../../support/aws/quiet.ts';
import { putAll, putText, uploader } from '../../support/aws/uploads.ts';

/** `npm run test:load` asks for 10,000. */
const count = Number(process.env.IQPIR_CHAOS_UPLOADS ?? 2000);
const seed = Number(process.env.IQPIR_CHAOS_SEED ?? 1);
const prefix = 'photos/';
/** Ends what hangs; far above what a busy machine of two cores takes. */
const patience = 1_200_000 + count * 600;

saySkipped('2,000 uploads in bad weather');

describe.skipIf(!chainAsked)(`${count} uploads in bad weather`, { timeout: patience }, () => {
  let storm: Storm;
  let uploads: ReturnType<typeof uploader>;
  let events: string[];
  const started = Date.now();

  beforeAll(async () => {
    storm = await startStorm(seed);
    uploads = uploader(storm.pipeline.buckets);
  }, patience);
  afterAll(() => storm?.stop(), 120_000);

  const keyOf = (event: string) => ObjectEvent.parse(JSON.parse(event)).detail.object.key;

  async function put(prefixed: string, number: number): Promise<string[]> {
    await putAll(await stormPictures(`${prefix}${prefixed}`, number, seed), ({ key, body }) => uploads.put(key, body));
    const raised = await storm.tap.collect(number);
    expect(raised).toHaveLength(number);
    return raised;
  }

  function report(name: string, { counts, breaches }: CheckReport): void {
    const { requests, ...faults } = storm.proxy.counts;
    const jobs = storm.pipeline.jobs
      .all()
      .filter(({ arrayProperties }) => !arrayProperties || 'index' in arrayProperties);
    const attempts = jobs.flatMap((job) => job.attempts).length;
    console.log(
      `${name}, after ${Math.round((Date.now() - started) / 1000)} s:`,
      JSON.stringify({
        ...counts,
        containers: jobs.length,
        attempts,
        requests,
        faults,
        breaches: breaches.slice(0, 10),
      }),
    );
  }

  it('settles all of them by exactly one record, whatever dies, fails, doubles or comes late', async () => {
    const all = await put('storm/', count);
    // One event is delivered one to three times; the order is nobody's.
    const deliveries = all.flatMap((event) => Array.from({ length: 1 + Math.floor(storm.random() * 3) }, () => event));
    storm.doubleNextJobs(1);
    await storm.tap.deliver(shuffled(deliveries, storm.random));
    const settled = await untilSettled(storm.pipeline, uploads.originals);
    report(`${count} uploads as ${deliveries.length} events`, settled);
    expect(settled.breaches).toEqual([]);
    expect(settled.counts).toMatchObject({ versions: count, records: settled.counts.uploads });
    const { busy, slow, cut, 'answer lost': lost } = storm.proxy.counts;
    expect(Math.min(busy, slow, cut, lost)).toBeGreaterThan(0);
    events = all;
  });

  it('killed workers at every named point, as lost machines and as containers out of memory', async () => {
    const kills = await storm.kills();
    console.log(
      `${kills.length} kills: ${killPoints.map((point) => `${point} ${kills.filter((kill) => kill.point === point).length}`).join(', ')}`,
    );
    const expected = killPoints.flatMap((point) => killCauses.map((cause) => `${point}, ${cause}`));
    expect(kills.map(({ point, cause }) => `${point}, ${cause}`).sort()).toEqual(expected.sort());
  });

  it('finds done what was done where events come once more', async () => {
    await storm.tap.deliver(shuffled(events, storm.random).slice(0, 200));
    const settled = await untilSettled(storm.pipeline, uploads.originals, { only: 'storm/' });
    report('200 events once more', settled);
    // The checker reads every version of every record: one that was done and is written anew breaks `done-once`.
    expect(settled.breaches).toEqual([]);
  });

  it('lets a newer version stand where the older one finishes after it', async () => {
    const key = `${prefix}overtaken.jpg`;
    const [older, newer] = await stormPictures('', 2, seed + 7);
    await uploads.put(key, older?.body ?? Buffer.alloc(0));
    await uploads.put(key, newer?.body ?? Buffer.alloc(0));
    const [first = '', second = ''] = await storm.tap.collect(2);
    await storm.tap.deliver([second]);
    await untilSettled(storm.pipeline, uploads.originals, { only: 'overtaken' });
    await storm.tap.deliver([first]);
    const settled = await untilSettled(storm.pipeline, uploads.originals, { only: 'overtaken' });
    expect(settled.breaches).toEqual([]);
  });

  it('settles the uploads of a manifest that was deleted before any worker read it', async () => {
    const lost = await put('deleted-manifest/', 20);
    storm.loseNextManifest('marked');
    await storm.tap.deliver(lost);
    const settled = await untilSettled(storm.pipeline, uploads.originals, { only: 'deleted-manifest/' });
    report('20 uploads whose manifest was deleted', settled);
    expect(settled.breaches).toEqual([]);
  });

  it('leaves open what a manifest named that is gone for good, and settles it once its events come again', async () => {
    const lost = await put('vanished-manifest/', 20);
    storm.loseNextManifest('for good');
    await storm.tap.deliver(lost);
    const open = await untilSettled(storm.pipeline, uploads.originals, {
      only: 'vanished-manifest/',
      patience: 10_000,
    });
    expect(new Set(open.breaches.map(({ promise, key }) => `${promise} ${key}`))).toEqual(
      new Set(lost.map((event) => `settled ${keyOf(event)}`)),
    );
    await storm.tap.deliver(lost);
    const settled = await untilSettled(storm.pipeline, uploads.originals, { only: 'vanished-manifest/' });
    report('20 uploads whose manifest vanished', settled);
    expect(settled.breaches).toEqual([]);
  });

  it('never touches a record that somebody else wrote, and settles the rest of its share', async () => {
    const { s3, buckets } = storm.pipeline;
    const foreign = 'records/foreign/stranger.jpg.json';
    await putText(s3, buckets.results, foreign, '{"this":"is","no":"record"}');
    const pictures = await stormPictures(`${prefix}foreign/`, 12, seed + 9);
    const [body = Buffer.alloc(0)] = pictures.map((picture) => picture.body).filter(({ length }) => length > 200);
    await uploads.put(`${prefix}foreign/stranger.jpg`, body);
    const { version } = await uploads.put(`${prefix}foreign/from-tomorrow.jpg`, body);
    const source = { key: `${prefix}foreign/from-tomorrow.jpg`, version };
    const later = JSON.stringify({ version: 2, status: 'succeeded', source, somethingNew: true });
    await putText(s3, buckets.results, 'records/foreign/from-tomorrow.jpg.json', later);
    await putAll(pictures, (picture) => uploads.put(picture.key, picture.body));
    const raised = await storm.tap.collect(14);
    await storm.tap.deliver(raised);
    const open = await untilSettled(storm.pipeline, uploads.originals, { only: 'foreign/', patience: 10_000 });
    expect(open.breaches.map(({ promise, key }) => [promise, key])).toEqual([
      ['valid-record', foreign],
      ['settled', `${prefix}foreign/stranger.jpg`],
    ]);
    await s3.send(new DeleteObjectCommand({ Bucket: buckets.results, Key: foreign }));
    await storm.tap.deliver(raised.slice(0, 1));
    const settled = await untilSettled(storm.pipeline, uploads.originals);
    report('all, once the stranger was moved away', settled);
    expect(settled.breaches).toEqual([]);
  });
});
