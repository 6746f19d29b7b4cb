import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** A Python with models/requirements.txt; `.ci/run` always names one. */
export const python = process.env.IQPIR_PYTHON ?? 'python3';

/**
 * Whether it has these modules; where it does not, what remains untested is said aloud.
 * @param modules separated by commas
 */
export async function pythonHas(modules: string, untested: string): Promise<boolean> {
  try {
    await run(python, ['-c', `import ${modules}`]);
    return true;
  } catch {
    console.warn(
      `${untested} NOT tested: Python lacks one of ${modules}. Set IQPIR_PYTHON to a Python with models/requirements.txt.`,
    );
    return false;
  }
}
