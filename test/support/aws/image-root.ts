import { execFile } from 'node:child_process';
import { copyFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { root } from '../cli.ts';

/** Compiled beside the programs where a test needs its own entry; not part of any image. */
const testEntries = ['test/support/aws/chaos'];

/**
 * Lays out a folder as the image's working directory: compiled programs, packages, models. The job definition's own command
 * runs in it.
 */
export async function layOutImage(folder: string): Promise<void> {
  await copyFile(join(root, 'package.json'), join(folder, 'package.json'));
  for (const name of ['node_modules', 'models']) await symlink(join(root, name), join(folder, name));
  const project = join(folder, 'tsconfig.json');
  const options = {
    noEmit: false,
    outDir: join(folder, 'dist'),
    rootDir: root,
    typeRoots: [join(root, 'node_modules', '@types')],
  };
  const include = ['functions', ...testEntries].map((path) => join(root, path));
  await writeFile(project, JSON.stringify({ extends: join(root, 'tsconfig.json'), compilerOptions: options, include }));
  // Types are checked elsewhere: here they would only take time.
  const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  await promisify(execFile)(process.execPath, [tsc, '-p', project, '--noCheck']);
}
