import { chmod, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { iqpir } from '../support/cli.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'import-'));
});
afterAll(() => rm(folder, { recursive: true }));

/** What it does with a checkpoint stands in test/models/face.test.ts, for which PyTorch is needed. */
describe('iqpir models import-iqpir on a machine without PyTorch', () => {
  const run = (python: string) =>
    iqpir(['models', 'import-iqpir', 'net_g.pth', '--out', join(folder, 'models'), '--accept-non-commercial'], {
      env: { IQPIR_PYTHON: python },
    });

  it('says that there is no Python, and what to install', async () => {
    const { code, stderr } = await run(join(folder, 'no-python'));
    expect(stderr).toMatch(/Expected Python 3\.11 or newer .*no-python does not run.*requirements\.txt.*IQPIR_PYTHON/);
    expect(code).toBe(2);
    expect(await readdir(folder)).toEqual([]);
  });

  it('says which packages its Python lacks', async () => {
    // -S: a Python that finds nothing that was installed for it.
    const bare = join(folder, 'bare-python');
    await writeFile(bare, `#!/bin/sh\nexec ${process.env.IQPIR_PYTHON || 'python3'} -I -S "$@"\n`);
    await chmod(bare, 0o755);
    const { code, stderr } = await run(bare);
    expect(stderr).toMatch(/bare-python is Python 3\.\d+ without torch, numpy, onnx, onnxscript, onnxruntime\./);
    expect(code).toBe(2);
  });

  it('takes no alpha beyond the scale', async () => {
    const { code, stderr } = await iqpir(['models', 'import-iqpir', 'net_g.pth', '--alpha', '2']);
    expect(stderr).toContain('Expected --alpha between 0 and 1, but 2 came.');
    expect(code).toBe(2);
  });
});
