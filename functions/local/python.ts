import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { access } from 'node:fs/promises';
import { promisify } from 'node:util';
import { z } from 'zod';
import { RestorationError } from '../lib/contracts/errors.ts';

/** A Python to run programs of the models folder with. */
export interface PythonCorner {
  /** A command or a path: `python3`, `VENV/bin/python`. */
  python: string;
  /** The folder of the programs and of requirements.txt. */
  models: string;
}

const packages = ['torch', 'numpy', 'onnx', 'onnxscript', 'onnxruntime'];
const Found = z.object({ version: z.tuple([z.number(), z.number()]), missing: z.array(z.string()) });

/** Looks for the packages without importing them, which takes seconds. */
const look = `
import importlib.util, json, sys
missing = [name for name in sys.argv[1:] if importlib.util.find_spec(name) is None]
print(json.dumps({"version": sys.version_info[:2], "missing": missing}))`;

/**
 * Runs one of the models folder's programs; what it prints goes to our own stdout and stderr.
 * @returns its exit code
 * @throws RestorationError `invalid-configuration` where the program, Python or one of its packages is missing, `interrupted`
 *   where it was ended by a signal
 */
export async function runPython(
  { python, models }: PythonCorner,
  program: string,
  args: readonly string[],
  signal?: AbortSignal,
): Promise<number> {
  const path = `${models}/${program}`;
  await access(path).catch((cause: unknown) => {
    const message = `Expected the program ${path}, but this installation has none. Take a checkout of the repository.`;
    throw new RestorationError('invalid-configuration', message, { cause });
  });
  await checkPython(python, models);
  const child = spawn(python, [path, ...args], { stdio: 'inherit' });
  const stop = () => child.kill('SIGTERM');
  signal?.addEventListener('abort', stop, { once: true });
  try {
    const [code, ended] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null];
    if (code !== null) return code;
    if (signal?.aborted)
      throw new RestorationError('interrupted', `Interrupted while ${program} ran. Nothing was written.`);
    const message = `Expected ${program} to end by itself, but ${ended} ended it: out of memory, perhaps. Close other programs and run it again.`;
    throw new RestorationError('invalid-configuration', message);
  } finally {
    signal?.removeEventListener('abort', stop);
  }
}

async function checkPython(python: string, models: string): Promise<void> {
  const install = `Install them: python3.12 -m venv VENV && VENV/bin/pip install -r ${models}/requirements.txt, then IQPIR_PYTHON=VENV/bin/python before the command.`;
  const expected = `Expected Python 3.11 or newer with ${packages.join(', ')}`;
  const { stdout } = await promisify(execFile)(python, ['-c', look, ...packages]).catch((cause: unknown) => {
    const message = `${expected}, but ${python} does not run. ${install}`;
    throw new RestorationError('invalid-configuration', message, { cause });
  });
  const { version, missing } = Found.parse(JSON.parse(stdout));
  const [major, minor] = version;
  if (major === 3 && minor >= 11 && missing.length === 0) return;
  const came = missing.length > 0 ? `without ${missing.join(', ')}` : 'which is older';
  const message = `${expected}, but ${python} is Python ${version.join('.')} ${came}. ${install}`;
  throw new RestorationError('invalid-configuration', message);
}
