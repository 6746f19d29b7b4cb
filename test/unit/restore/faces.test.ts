import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ModelCard } from '../../../functions/lib/contracts/model-card.ts';
import type { DeliveredRecord } from '../../../functions/lib/contracts/record.ts';
import { Settings } from '../../../functions/lib/contracts/settings.ts';
import { decode } from '../../../functions/lib/imaging/codec.ts';
import type { Image } from '../../../functions/lib/imaging/image.ts';
import { installedFor, loadRegistry, type RegisteredModel } from '../../../functions/lib/inference/registry.ts';
import { type Engines, openEngines } from '../../../functions/restore/engines.ts';
import { restoreUpload } from '../../../functions/restore/restore.ts';
import { root } from '../../support/cli.ts';
import { cameraExif } from '../../support/exif-blocks.ts';
import { face, fixtureModel } from '../../support/model-cards.ts';
import { drawRaw, fromRaw, withExif } from '../../support/pictures.ts';
import { type Bench, openBench } from '../../support/restoration.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

/** The astronaut's eyes lie 43 px apart; softened so that there is something to restore. */
const portrait = readFileSync(join(root, 'test', 'fixtures', 'faces', 'astronaut.jpg'));
const soft = sharp(portrait).blur(2).png().toBuffer();

const shipped = await loadRegistry([join(root, 'models', 'registry.json')]);
const detectors = installedFor(shipped, 'detect-faces');
if (detectors.length === 0) {
  console.warn(
    'Faces were NOT tested: the optional package with the face detector is not installed (npm ci installs it).',
  );
}

/** Brightness judges the picture and each face of it: a face cannot win by it, so the margin is one that takes all. */
const judged = { assess: 'judge', good: 2, margin: -1 };
type Bounds = NonNullable<ModelCard['face']>;

function faceModel(
  name: 'polish' | 'stranger' | 'broken',
  bounds: Partial<Bounds> = {},
  decision = judged,
): RegisteredModel {
  const changes = { decision, face: { ...face.face, ...bounds } };
  return fixtureModel(name, name === 'broken' ? { ...face, ...changes } : changes);
}

describe.skipIf(detectors.length === 0)('the faces of a picture', { timeout: 120_000 }, () => {
  let dispose: () => Promise<void>;
  let folder: string;
  let opened: Engines[] = [];
  let puts = 0;

  beforeAll(async () => {
    ({ path: folder, dispose } = await temporaryFolder());
  });
  afterAll(async () => {
    await Promise.all(opened.map((engines) => engines.close()));
    opened = [];
    await dispose();
  });

  /** `settled` is a restorer that finds every picture good already; `identity` one that finds none so. */
  async function benchWith(models: RegisteredModel[], asked: Partial<Settings> = {}): Promise<Bench> {
    const settings = Settings.parse({ model: 'identity', ...asked });
    const restorers = [
      fixtureModel('identity', { decision: judged }),
      fixtureModel('identity', { id: 'settled', decision: { ...judged, good: 0, margin: 0.05 } }),
    ];
    const all = [...restorers, fixtureModel('judge'), ...detectors, ...models];
    const engines = await openEngines(all, settings, { device: 'cpu', threads: 1 });
    opened.push(engines);
    return benchOn(engines, settings);
  }

  function benchOn(engines: Engines, settings: Settings): Bench {
    const bench = openBench(join(folder, String(++puts)), engines);
    return { ...bench, context: { ...bench.context, settings } };
  }

  async function restore(bench: Bench, body: Buffer, metadata: Record<string, string> = {}): Promise<DeliveredRecord> {
    const name = `${++puts}.png`;
    await restoreUpload(await bench.put(name, body, { metadata }), bench.context);
    const record = await bench.recordOf(name);
    if (record.status === 'failed') throw new Error(record.error.message);
    return record;
  }

  const bytesOf = (bench: Bench, { result }: DeliveredRecord) => readFileSync(join(bench.results.bucket, result.key));
  const pixelsOf = async (bytes: Buffer) => (await decode(bytes, { maxPixels: 1e8 })).colour;

  describe('by a model that sharpens them', () => {
    let bench: Bench;
    beforeAll(async () => {
      bench = await benchWith([faceModel('polish')]);
    });

    it('are found, restored and pasted, and each is recorded', async () => {
      const record = await restore(bench, await soft);
      const [one, ...others] = record.faces ?? [];
      expect(others).toEqual([]);
      expect(one?.status, one?.reason).toBe('restored');
      // Eyes lie at (203, 102) and (245, 104) of 512 x 512.
      expect(one?.landmarks['left-eye']?.x).toBeCloseTo(0.396, 2);
      expect(one?.landmarks['right-eye']?.y).toBeCloseTo(0.2, 2);
      expect(one?.sourcePixels).toBeGreaterThan(80);
      expect(one?.enlargement).toBeCloseTo(2.9, 0);
      expect(one?.quality?.after).toBeDefined();
      expect(record.faceTreatment).toMatchObject({ as: 'faces', reason: 'restored' });
      expect(record.models.map(({ task }) => task)).toEqual(['restore', 'assess', 'detect-faces', 'restore-face']);
      expect(record.timings.faces).toBeGreaterThan(0);

      const bytes = bytesOf(bench, record);
      const changed = differences(await pixelsOf(await soft), await pixelsOf(bytes));
      expect(changed.within).toBeGreaterThan(1000);
      expect(changed.beyond).toBe(0);
      expect((await sharp(bytes).metadata()).xmpAsString).toContain('compositeWithTrainedAlgorithmicMedia');
    });

    it('are restored in a picture that is good already, and nothing else is touched', async () => {
      const record = await restore(bench, await soft, { 'iqpir-model': 'settled' });
      expect(record).toMatchObject({ status: 'succeeded', tiles: 0, decision: { reason: 'faces-better' } });
      expect(record.decision.message).toMatch(/^With 1 face restored and the rest as it was, the score went from/);
      expect(record.faces?.[0]?.status).toBe('restored');
      const changed = differences(await pixelsOf(await soft), await pixelsOf(bytesOf(bench, record)));
      expect(changed.within).toBeGreaterThan(1000);
      expect(changed.beyond).toBe(0);
    });

    it('are restored in gray, turned upright by EXIF: the picture is as before, and so is the face', async () => {
      const turned = await sharp(await soft)
        .rotate(90)
        .grayscale()
        .raw()
        .toBuffer();
      const gray = sharp(turned, { raw: { width: 512, height: 512, channels: 1 } }).toColourspace('b-w');
      const record = await restore(bench, withExif(await gray.jpeg({ quality: 95 }).toBuffer(), cameraExif(8)));
      expect(record.image).toMatchObject({ channels: 1, orientation: 8 });
      const [one] = record.faces ?? [];
      expect(one?.status, one?.reason).toBe('restored');
      expect(one?.landmarks['left-eye']?.x).toBeCloseTo(0.396, 1);
      expect(one?.landmarks['left-eye']?.y).toBeCloseTo(0.2, 1);
      expect((await pixelsOf(bytesOf(bench, record))).channels).toBe(1);
    });

    it('are restored in 16 bit, and stay so', async () => {
      const gray = await sharp(await soft)
        .grayscale()
        .raw()
        .toBuffer();
      const deep = sharp(gray, { raw: { width: 512, height: 512, channels: 1 } }).toColourspace('grey16');
      const record = await restore(bench, await deep.png().toBuffer());
      expect(record.image).toMatchObject({ channels: 1, bitDepth: 16 });
      expect(record.faces?.map(({ status }) => status)).toEqual(['restored']);
      expect((await pixelsOf(bytesOf(bench, record))).pixels).toBeInstanceOf(Uint16Array);
    });

    it('of two people are each restored from their own pixels', async () => {
      const other = await sharp(await soft)
        .flop()
        .modulate({ brightness: 0.7, hue: 30 })
        .toBuffer();
      const both = sharp({ create: { width: 1024, height: 512, channels: 3, background: 'gray' } });
      const layers = [
        { input: await soft, left: 0, top: 0 },
        { input: other, left: 512, top: 0 },
      ];
      const picture = await both.composite(layers).removeAlpha().png().toBuffer();
      const record = await restore(bench, picture);
      expect(record.faces?.map(({ status }) => status)).toEqual(['restored', 'restored']);
      const [before, after] = [await pixelsOf(picture), await pixelsOf(bytesOf(bench, record))];
      // Sharpening moves a face's pixels a little; another person's, or the mirrored ones, would move them far.
      for (const left of [160, 512 + 512 - 290]) {
        expect(meanChange(before, after, left)).toBeGreaterThan(0.02);
        expect(meanChange(before, after, left)).toBeLessThan(4);
      }
    });

    it('are none where there is none, and the record says so', async () => {
      const record = await restore(bench, await fromRaw(drawRaw(300, 200)).png().toBuffer());
      expect(record.faces).toEqual([]);
      expect(record.faceTreatment).toMatchObject({ as: 'faces', reason: 'none-found' });
    });

    it('are looked for only where that is asked', async () => {
      const without = await benchWith([faceModel('polish')], { faces: 'off' });
      const record = await restore(without, await soft);
      expect(record.faces).toBeUndefined();
      expect(record.faceTreatment).toMatchObject({ as: 'the-rest', reason: 'off' });
      expect(record.settingsHash).not.toBe((await restore(bench, await soft)).settingsHash);
    });

    it('keep their places in a picture that is enlarged, and their own size is that of the source', async () => {
      const larger = benchOn(opened[0] as Engines, { ...bench.context.settings, scale: 2 });
      const record = await restore(larger, await soft);
      expect(record.result).toMatchObject({ width: 1024, height: 1024 });
      expect(record.image).toMatchObject({ width: 512, height: 512 });
      expect(record.warnings.map(({ code }) => code)).toContain('enlarged');
      const [one] = record.faces ?? [];
      expect(one?.status, one?.reason).toBe('restored');
      expect(one?.landmarks['left-eye']?.x).toBeCloseTo(0.396, 2);
      expect(one?.enlargement).toBeCloseTo(2.9, 0);
      expect(one?.sourcePixels).toBeLessThan(130);
    });

    it('are left to the next run where a stop is asked for between them, and no record is put', async () => {
      const stop = new AbortController();
      stop.abort();
      const upload = await bench.put('stopped.png', await soft);
      await expect(restoreUpload(upload, { ...bench.context, signal: stop.signal })).rejects.toThrow(
        'Run again to go on',
      );
      expect(await bench.keys('records/')).not.toContain('records/stopped.png.json');
    });
  });

  it('stay as they were where the model gives another face, and the record says by how much', async () => {
    const bench = await benchWith([faceModel('stranger', { consistency: 0.9 })]);
    const record = await restore(bench, await soft, { 'iqpir-model': 'settled' });
    const [one] = record.faces ?? [];
    expect(one).toMatchObject({ status: 'identity-drift' });
    expect(one?.identity?.consistency).toBeLessThan(0.9);
    expect(one?.reason).toContain('(at least 0.9)');
    expect(record).toMatchObject({ status: 'unchanged', faceTreatment: { as: 'faces', reason: 'none-restored' } });
    expect(bytesOf(bench, record).equals(await soft)).toBe(true);
  });

  it('stay as they were where the model gives no numbers, and the picture is restored without them', async () => {
    const bench = await benchWith([faceModel('broken')], { deliver: 'always' });
    const record = await restore(bench, await soft);
    expect(record.faces?.[0]).toMatchObject({ status: 'worse', reason: expect.stringContaining('are not numbers') });
    expect(record.decision.reason).toBe('always');
    expect(differences(await pixelsOf(await soft), await pixelsOf(bytesOf(bench, record)))).toEqual({
      within: 0,
      beyond: 0,
    });
  });

  it('are treated as the rest of the picture without a model for them, and the record says so without a warning', async () => {
    const bench = await benchWith([]);
    const record = await restore(bench, await soft);
    expect(record.faceTreatment).toMatchObject({ as: 'the-rest', reason: 'no-model' });
    expect(record.faces).toBeUndefined();
    expect(record.warnings).toEqual([]);
    expect(record.models.map(({ task }) => task)).toEqual(['restore', 'assess']);
  });
});

/** Samples that differ within the astronaut's head, and anywhere else. */
function differences(a: Image, b: Image) {
  let within = 0;
  let beyond = 0;
  for (let at = 0; at < a.pixels.length; at++) {
    if (a.pixels[at] === b.pixels[at]) continue;
    const [x, y] = [Math.floor(at / 3) % a.width, Math.floor(at / 3 / a.width)];
    if (x > 160 && x < 290 && y > 50 && y < 200) within++;
    else beyond++;
  }
  return { within, beyond };
}

/** Levels by which the samples of a head differ on average: 130 px wide from `left`, and from row 50 to 200. */
function meanChange(a: Image, b: Image, left: number): number {
  let sum = 0;
  for (let y = 50; y < 200; y++) {
    for (let x = left; x < left + 130; x++) {
      const at = (y * a.width + x) * 3;
      for (let channel = 0; channel < 3; channel++)
        sum += Math.abs((a.pixels[at + channel] ?? 0) - (b.pixels[at + channel] ?? 0));
    }
  }
  return sum / (150 * 130 * 3);
}
