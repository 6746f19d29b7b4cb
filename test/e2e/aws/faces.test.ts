import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RestorationRecord } from '../../../functions/lib/contracts/record.ts';
import { chainAsked, saySkipped } from '../../support/aws/needs.ts';
import { type Pipeline, startPipeline } from '../../support/aws/pipeline.ts';
import { untilSettled } from '../../support/aws/quiet.ts';
import { uploader } from '../../support/aws/uploads.ts';
import { root } from '../../support/cli.ts';
import { fixtureModel } from '../../support/model-cards.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const patience = 900_000;
const python = process.env.IQPIR_PYTHON;

saySkipped('faces on an emulator of AWS');
if (chainAsked && !python) console.warn('SKIPPED: the face network on AWS. IQPIR_PYTHON names no Python with PyTorch.');

describe.skipIf(!chainAsked)('a portrait that is uploaded', { timeout: patience }, () => {
  let pipeline: Pipeline;
  let uploads: ReturnType<typeof uploader>;
  let portrait: Buffer;

  beforeAll(async () => {
    pipeline = await startPipeline({ longestWindow: 3 });
    uploads = uploader(pipeline.buckets);
    const photograph = join(root, 'test', 'fixtures', 'faces', 'astronaut.jpg');
    portrait = await sharp(photograph).blur(1.5).jpeg({ quality: 70 }).toBuffer();
  }, patience);
  afterAll(() => pipeline?.stop(), 120_000);

  async function put(name: string, Body: Buffer | string): Promise<void> {
    await pipeline.s3.send(new PutObjectCommand({ Bucket: pipeline.buckets.results, Key: `models/${name}`, Body }));
  }

  const program = (name: string, ...args: string[]) => {
    const env = { ...process.env, OMP_WAIT_POLICY: 'PASSIVE' };
    return promisify(execFile)(python ?? '', [join(root, 'models', name), ...args], { env });
  };

  /** Uploads the portrait, and waits for what is said of it. */
  async function restored(name: string) {
    await uploads.put(`photos/${name}`, portrait);
    const { breaches } = await untilSettled(pipeline, uploads.originals);
    expect(breaches).toEqual([]);
    const request = { Bucket: pipeline.buckets.results, Key: `records/${name}.json` };
    const found = await pipeline.s3.send(new GetObjectCommand(request));
    const record = RestorationRecord.parse(JSON.parse((await found.Body?.transformToString()) ?? ''));
    if (record.status === 'failed') throw new Error(record.error.message);
    return record;
  }

  it('has its face restored by a model of the results bucket', async () => {
    // Takes every face that is the same one: what the small model makes of it is no better by the real judge.
    const decision = { assess: 'iqa-photo', good: 2, margin: -1 };
    const { card, path } = fixtureModel('polish', { id: 'my-faces', file: 'polish.onnx', decision });
    await put('polish.onnx', await readFile(path));
    await put('registry.json', JSON.stringify({ version: 1, models: [card] }));
    const record = await restored('polished.jpg');
    expect(record.faces?.map(({ status }) => status)).toEqual(['restored']);
    expect(record.faceTreatment).toMatchObject({ as: 'faces', reason: 'restored' });
  });

  it.skipIf(!python)(
    'keeps its own face where the published network, with drawn weights, makes no face of it',
    async () => {
      const folder = await temporaryFolder();
      try {
        const weights = join(folder.path, 'net_g.pth');
        const layout = join(root, 'models', 'golden', 'iqpir-checkpoint-layout.json');
        await program('synthetic_face.py', '--layout', layout, '--out', weights);
        // Compared with PyTorch at one face: four take minutes.
        await program('import_iqpir.py', weights, '--out', folder.path, '--accept-non-commercial', '--batch', '1');
        for (const name of ['iqpir-face.onnx', 'registry.json'])
          await put(name, await readFile(join(folder.path, name)));
      } finally {
        await folder.dispose();
      }
      const record = await restored('drawn.jpg');
      expect(record.models.map(({ id }) => id)).toContain('iqpir-face');
      expect(record.faces?.map(({ status }) => status)).toEqual(['identity-drift']);
      expect(record.faceTreatment).toMatchObject({ as: 'faces', reason: 'none-restored' });
    },
  );
});
