import { execFile } from 'node:child_process';
import { copyFile, mkdtemp, readFile, rm, stat, truncate } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findModel, loadRegistry } from '../../functions/lib/inference/registry.ts';
import { openSession } from '../../functions/lib/inference/session.ts';
import { root } from '../support/cli.ts';

const run = promisify(execFile);

/** A Python with models/requirements.txt; `.ci/run` always names one. */
const python = process.env.IQPIR_PYTHON ?? 'python3';

const hasPyTorch = await run(python, ['-c', 'import torch, onnx, onnxscript, onnxruntime']).then(
  () => true,
  () => false,
);
if (!hasPyTorch) {
  console.warn(
    'The face network was NOT tested: no PyTorch. Set IQPIR_PYTHON to a Python with models/requirements.txt.',
  );
}

const golden = join(root, 'models', 'golden', 'iqpir-golden.npz');
const layout = join(root, 'models', 'golden', 'iqpir-checkpoint-layout.json');
const seeds = ['--layout', layout, '--weights-seed', '20260331', '--input-seed', '20260332'];

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'face-'));
});
afterAll(() => rm(folder, { recursive: true }));

interface Ended {
  code: number;
  stdout: string;
  stderr: string;
}

async function program(...args: string[]): Promise<Ended> {
  return run(python, args, { maxBuffer: 1e7 }).then(
    ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
    ({ code, stdout, stderr }) => ({ code, stdout, stderr }),
  );
}

const script = (name: string, ...args: string[]): Promise<Ended> => program(join(root, 'models', name), ...args);

/** The whole layout as a checkpoint of some 100 kB (one value stands for a tensor), after `change` did something to it. */
async function checkpoint(name: string, change: string): Promise<string> {
  const path = join(folder, name);
  const lines = [
    'import json, sys, torch',
    'shapes = json.load(open(sys.argv[1]))',
    'tensors = {name: torch.zeros(1).expand(shape) for name, shape in shapes.items()}',
    'saved = {"params_ema": tensors}',
    change,
    'torch.save(saved, sys.argv[2])',
  ];
  const { code, stderr } = await program('-c', lines.join('\n'), layout, path);
  expect(code, stderr).toBe(0);
  return path;
}

const importing = (path: string): Promise<Ended> =>
  script('import_iqpir.py', path, '--out', join(folder, 'refused'), '--accept-non-commercial');

const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );

describe.runIf(hasPyTorch)('importing a checkpoint of the published face network', () => {
  it('asks for the licence to be accepted, and says what it means', { timeout: 120_000 }, async () => {
    const { code, stderr } = await script('import_iqpir.py', join(folder, 'any.pth'), '--out', folder);
    expect(code).toBe(2);
    expect(stderr).toMatch(/--accept-non-commercial[\s\S]*non-commercial\s+purposes only/);
  });

  it.each([
    [
      'a tensor of another shape',
      'tensors["quantize.embedding.weight"] = torch.zeros(1).expand(512, 256)',
      'quantize.embedding.weight: expected shape [1024, 256] but found [512, 256]',
    ],
    [
      'a tensor that is missing',
      'del tensors["fuse_convs_dict.64.shift.2.bias"]',
      'fuse_convs_dict.64.shift.2.bias: expected shape [256] but found no such tensor',
    ],
    [
      'a tensor that is unknown',
      'tensors["encoder.blocks.25.weight"] = torch.zeros(3)',
      'encoder.blocks.25.weight: expected no such tensor but found one of shape [3]',
    ],
    [
      'numbers of another kind',
      'tensors["position_emb"] = torch.zeros(256, 512, dtype=torch.int64)',
      'position_emb: expected floating point numbers but found int64',
    ],
    [
      'numbers that are none',
      'tensors["feat_emb.bias"] = torch.tensor(float("nan")).expand(512)',
      'feat_emb.bias: expected finite numbers but 512 of 512 are not',
    ],
    ['other weights', 'saved = {"params_g": tensors}', 'Expected the averaged weights under "params_ema"'],
    [
      'an object that loading would execute',
      'import pathlib; saved["note"] = pathlib.PurePosixPath("x")',
      'it holds pathlib.PurePosixPath, which loading would execute',
    ],
  ])('refuses %s by name', { timeout: 120_000 }, async (what, change, message) => {
    const { code, stderr } = await importing(await checkpoint(`${what.replaceAll(' ', '-')}.pth`, change));
    expect(stderr).toContain(message);
    expect(code).toBe(1);
    expect(await exists(join(folder, 'refused'))).toBe(false);
  });

  it('refuses a file that was cut short, and one that is not there', { timeout: 120_000 }, async () => {
    const whole = await checkpoint('whole.pth', '');
    const cut = join(folder, 'cut.pth');
    await copyFile(whole, cut);
    await truncate(cut, Math.floor((await stat(whole)).size / 2));
    const short = await importing(cut);
    expect(short.stderr).toMatch(/Expected a whole PyTorch checkpoint in .*cut\.pth but its \d+ bytes are cut short/);
    expect(short.code).toBe(1);
    const absent = await importing(join(folder, 'absent.pth'));
    expect(absent.stderr).toContain('there is no such file');
    expect(absent.code).toBe(1);
  });
});

describe.runIf(hasPyTorch)('the published face network', () => {
  // The case with fidelity 1 runs every block. The other two: models/README.md, "The published face network".
  it('computes what the authors’ network computed', { timeout: 900_000 }, async () => {
    const { code, stdout, stderr } = await script('verify_golden.py', golden, ...seeds, '--case', '2');
    expect(stdout + stderr).toContain('codes    512 of 512 equal');
    expect(code).toBe(0);
  });

  it('is imported as a model that computes the same, with a card', { timeout: 1_800_000 }, async () => {
    const weights = join(folder, 'synthetic.pth');
    expect((await script('synthetic_face.py', '--layout', layout, '--out', weights)).code).toBe(0);
    const models = join(folder, 'models');
    const accepted = ['--out', models, '--accept-non-commercial', '--batch', '1'];
    const imported = await script('import_iqpir.py', weights, ...accepted);
    expect(imported.stderr).not.toContain('Expected');
    expect(imported.code).toBe(0);
    await rm(weights);

    const model = findModel(await loadRegistry([join(models, 'registry.json')]), 'iqpir-face', 'restore');
    expect(model.card.licence.weights).toContain('non-commercial');
    const session = await openSession(model, { device: 'cpu', threads: 2 });
    await session.close();

    const same = await script('verify_golden.py', golden, ...seeds, '--case', '0', '--onnx', model.path);
    expect(same.stdout).toContain('codes    512 of 512 equal');
    expect(same.code).toBe(0);

    const changed = join(folder, 'changed.npz');
    const change = [
      'import sys, numpy as np',
      'golden = dict(np.load(sys.argv[1]))',
      'golden["case0_codes"][17, 1] += 1',
      'golden["case0_restored"][2, 100, 100] += 0.05',
      'np.savez(sys.argv[2], **golden)',
    ];
    expect((await program('-c', change.join('\n'), golden, changed)).code).toBe(0);
    const other = await script('verify_golden.py', changed, ...seeds, '--case', '0', '--onnx', model.path);
    expect(other.stdout).toContain('codes    511 of 512 equal: MISMATCH');
    expect(other.stdout).toMatch(/restored largest difference 5.*: MISMATCH/);
    expect(other.code).toBe(1);
  });

  it('has the names and shapes of the checkpoint’s layout', { timeout: 120_000 }, async () => {
    const list =
      'import json, sys; sys.path.insert(0, sys.argv[1]); import face_network; print(json.dumps(face_network.layout()))';
    const { stdout } = await program('-c', list, join(root, 'models'));
    expect(JSON.parse(stdout)).toEqual(JSON.parse(await readFile(layout, 'utf8')));
  });
});
