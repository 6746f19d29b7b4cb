import { join, resolve } from 'node:path';
import type { Installation } from '../lib/installation.ts';
import { userModels } from './local-engine.ts';
import { runPython } from './python.ts';

export interface ImportOptions {
  checkpoint: string;
  /** Left out: the user's own models, where `restore` finds it. */
  out?: string | undefined;
  acceptNonCommercial: boolean;
  alpha?: number | undefined;
  /** The Python command. */
  python: string;
  installation: Installation;
  signal: AbortSignal;
}

/** Makes a model of the authors' checkpoint: what models/import_iqpir.py checks, exports, compares and describes. */
export async function importIqpir(options: ImportOptions): Promise<void> {
  const { checkpoint, acceptNonCommercial, alpha, python, installation, signal } = options;
  const out = resolve(options.out ?? userModels());
  const args = [checkpoint, '--out', out];
  if (acceptNonCommercial) args.push('--accept-non-commercial');
  if (alpha !== undefined) args.push('--alpha', String(alpha));
  const corner = { python, models: join(installation.root, 'models') };
  process.exitCode = await runPython(corner, 'import_iqpir.py', args, signal);
  if (process.exitCode !== 0) return;
  const use =
    out === resolve(userModels())
      ? 'From now on iqpir restore treats faces with it: iqpir models list.'
      : `iqpir restore finds models in ${userModels()}; on AWS: aws s3 sync ${out} s3://RESULTS/models/ and userModels=true.`;
  process.stdout.write(`${use}\n`);
}
