import { execFile } from 'node:child_process';
import { copyFile, mkdtemp, readFile, rm, stat, truncate } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RestorationRecord } from '../../functions/lib/contracts/record.ts';
import { findModel, loadRegistry } from '../../functions/lib/inference/registry.ts';
import { openSession } from '../../functions/lib/inference/session.ts';
import { type Ended as CommandEnded, iqpir, root } from '../support/cli.ts';
import { python, pythonHas } from '../support/python.ts';

const run = promisify(execFile);

const hasPyTorch = await pythonHas('torch, onnx, onnxscript, onnxruntime', 'The face network was');

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
  // Threads that wait by spinning take the core that a neighbouring test needs: measured 806 s instead of 156 s.
  const env = { ...process.env, OMP_WAIT_POLICY: 'PASSIVE' };
  return run(python, args, { maxBuffer: 1e7, env }).then(
    ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
    ({ code, stdout, stderr }) => ({ code, stdout, stderr }),
  );
}

const script = (name: string, ...args: string[]): Promise<Ended> => program(join(root, 'models', name), ...args);

/** What is done to a whole checkpoint (Python), and what the import then says. */
const spoilt = {
  'a tensor of another shape': [
    'tensors["quantize.embedding.weight"] = torch.zeros(1).expand(512, 256)',
    'quantize.embedding.weight: expected shape [1024, 256] but found [512, 256]',
  ],
  'a tensor that is missing': [
    'del tensors["fuse_convs_dict.64.shift.2.bias"]',
    'fuse_convs_dict.64.shift.2.bias: expected shape [256] but found no such tensor',
  ],
  'a tensor that is unknown': [
    'tensors["encoder.blocks.25.weight"] = torch.zeros(3)',
    'encoder.blocks.25.weight: expected no such tensor but found one of shape [3]',
  ],
  'numbers of another kind': [
    'tensors["position_emb"] = torch.zeros(256, 512, dtype=torch.int64)',
    'position_emb: expected floating point numbers but found int64',
  ],
  'numbers that are none': [
    'tensors["feat_emb.bias"] = torch.tensor(float("nan")).expand(512)',
    'feat_emb.bias: expected finite numbers but 512 of 512 are not',
  ],
  'other weights': ['saved["params_g"] = saved.pop("params_ema")', 'Expected the averaged weights under "params_ema"'],
  'an object that loading would execute': [
    'import pathlib; saved["note"] = pathlib.PurePosixPath("x")',
    'it holds pathlib.PurePosixPath, which loading would execute',
  ],
} as const;

const file = (what: string): string => join(folder, `${what.replaceAll(' ', '-')}.pth`);

/** Whole layouts as checkpoints of some 150 kB, in which one value stands for a tensor: each spoilt, and `whole`. */
async function writeCheckpoints(): Promise<void> {
  const lines = [
    'import json, sys, torch',
    'shapes = json.load(open(sys.argv[1]))',
    'for path, change in json.loads(sys.argv[2]).items():',
    '    tensors = {name: torch.zeros(1).expand(shape) for name, shape in shapes.items()}',
    '    saved = {"params_ema": tensors}',
    '    exec(change)',
    '    torch.save(saved, path)',
  ];
  const changes = Object.entries(spoilt).map(([what, [change]]) => [file(what), change]);
  const all = JSON.stringify({ ...Object.fromEntries(changes), [file('whole')]: '' });
  const { code, stderr } = await program('-c', lines.join('\n'), layout, all);
  expect(code, stderr).toBe(0);
}

/** By the command, which runs import_iqpir.py. */
const importing = (path: string, ...options: string[]): Promise<CommandEnded> =>
  iqpir(['models', 'import-iqpir', path, ...options], { env: { IQPIR_PYTHON: python, OMP_WAIT_POLICY: 'PASSIVE' } });

const refusable = () => ['--out', join(folder, 'refused'), '--accept-non-commercial'];

const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );

describe.runIf(hasPyTorch)('importing a checkpoint of the published face network', () => {
  beforeAll(writeCheckpoints, 600_000);

  it('asks for the licence to be accepted, and says what it means', async () => {
    const { code, stderr } = await importing(join(folder, 'any.pth'), '--out', folder);
    expect(code).toBe(2);
    expect(stderr).toMatch(/--accept-non-commercial[\s\S]*non-commercial\s+purposes only/);
  });

  it.each(Object.entries(spoilt))('refuses %s by name', { timeout: 600_000 }, async (what, [, message]) => {
    const { code, stderr } = await importing(file(what), ...refusable());
    expect(stderr).toContain(message);
    expect(code).toBe(1);
    expect(await exists(join(folder, 'refused'))).toBe(false);
  });

  it('refuses a file that was cut short', { timeout: 600_000 }, async () => {
    const cut = file('cut');
    await copyFile(file('whole'), cut);
    await truncate(cut, Math.floor((await stat(cut)).size / 2));
    const { code, stderr } = await importing(cut, ...refusable());
    expect(stderr).toMatch(/Expected a whole PyTorch checkpoint in .*cut\.pth but its \d+ bytes are cut short/);
    expect(code).toBe(1);
  });

  it('refuses a file that is not there', async () => {
    const { code, stderr } = await importing(file('absent'), ...refusable());
    expect(stderr).toContain('there is no such file');
    expect(code).toBe(1);
  });
});

describe.runIf(hasPyTorch)('the face network', () => {
  // The case with fidelity 1 runs every block. The other two: models/README.md, "The published face network".
  it('computes what the authors’ network computed', { timeout: 1_200_000 }, async () => {
    const { code, stdout, stderr } = await script('verify_golden.py', golden, ...seeds, '--case', '2');
    expect(stdout + stderr).toContain('codes    512 of 512 equal');
    expect(code).toBe(0);
  });

  it('is imported as a model that computes the same, with a card', { timeout: 2_400_000 }, async () => {
    const weights = join(folder, 'synthetic.pth');
    expect((await script('synthetic_face.py', '--layout', layout, '--out', weights)).code).toBe(0);
    const models = join(folder, 'iqpir');
    // The program itself, for one face at a time: four take minutes. The command runs it, as the refusals above show.
    const accepted = ['--out', models, '--accept-non-commercial', '--alpha', '0.7', '--batch', '1'];
    const imported = await script('import_iqpir.py', weights, ...accepted);
    expect(imported.stderr).not.toContain('Expected');
    expect(imported.stdout).toContain(models);
    expect(imported.code).toBe(0);
    await rm(weights);

    const registry = await loadRegistry([join(models, 'registry.json')]);
    const model = findModel(registry, 'iqpir-face', 'restore-face');
    expect(() => findModel(registry, 'iqpir-face', 'restore')).toThrow('which is a model to restore-face');
    expect(model.card.licence.weights).toContain('non-commercial');
    expect(model.card.inputs.map(({ role }) => role)).toEqual(['image', 'score', 'fidelity', 'alpha']);
    expect(model.card.defaults).toEqual({ score: 0.9, fidelity: 0, alpha: 0.7 });
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
      'golden["case0_restored"][2, 100, 100] += 0.5',
      'np.savez(sys.argv[2], **golden)',
    ];
    expect((await program('-c', change.join('\n'), golden, changed)).code).toBe(0);
    const other = await script('verify_golden.py', changed, ...seeds, '--case', '0', '--onnx', model.path);
    expect(other.stdout).toContain('codes    511 of 512 equal: MISMATCH');
    expect(other.stdout).toMatch(/restored largest difference [45].*e-01.*: MISMATCH/);
    expect(other.code).toBe(1);

    // Its synthetic weights know no faces: the guards must see that nothing it makes of one is delivered.
    const portrait = join(root, 'test', 'fixtures', 'faces', 'astronaut.jpg');
    const restore = (...options: string[]) =>
      iqpir(['restore', portrait, '--deliver', 'always', '--json', ...options], { env: { XDG_DATA_HOME: folder } });
    const withFaces = await restore('-o', join(folder, 'with'));
    const without = await restore('-o', join(folder, 'without'), '--faces', 'off');
    const [record, plain] = [withFaces, without].map(({ stdout, stderr }) => {
      expect(stdout, stderr).toMatch(/^\{/);
      return RestorationRecord.parse(JSON.parse(stdout));
    });
    if (record?.status !== 'succeeded' || plain?.status !== 'succeeded')
      throw new Error('Expected both to be restored.');
    expect(record.models.map(({ id }) => id)).toContain('iqpir-face');
    expect(record.faces?.map(({ status }) => status)).toEqual(['identity-drift']);
    expect(record.faces?.[0]?.identity?.consistency).toBeLessThan(0.9);
    expect(record.result.sha256).toBe(plain.result.sha256);
  });

  it('has the names and shapes of the checkpoint’s layout', { timeout: 600_000 }, async () => {
    const list =
      'import json, sys; sys.path.insert(0, sys.argv[1]); import face_network; print(json.dumps(face_network.layout()))';
    const { stdout } = await program('-c', list, join(root, 'models'));
    expect(JSON.parse(stdout)).toEqual(JSON.parse(await readFile(layout, 'utf8')));
  });
});
