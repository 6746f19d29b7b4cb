import { execFile } from 'node:child_process';
import { access, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, type TestContext, test } from 'vitest';
import { RestorationRecord } from '../../functions/lib/contracts/record.ts';
import { findInstallation } from '../../functions/lib/installation.ts';
import { root } from '../support/cli.ts';
import { photoLike } from '../support/generated-pictures.ts';

const execute = promisify(execFile);

/** ms; npm unpacks some 350 MB, most of it onnxruntime's binaries for other platforms. */
const installing = 400_000;

let folder: string;
let tarball: string;
let packed: string[];
let installed: string | undefined;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'iqpir-package-'));
  const { stdout } = await npm(root, 'pack', '--pack-destination', folder, '--json');
  // prepack's own lines may come first.
  const [made] = Object.values(JSON.parse(stdout.slice(stdout.search(/^[[{]$/m)))) as Packed[];
  tarball = join(folder, made?.filename ?? '');
  packed = made?.files.map(({ path }) => path) ?? [];
  installed = await install();
}, installing);
afterAll(() => rm(folder, { recursive: true, force: true }));

type Packed = { filename: string; files: { path: string }[] };

test('npx iqpir in a checkout runs its own sources, and asks no registry', async () => {
  // The discard port: whoever asks gets no answer.
  const env = { ...process.env, npm_config_registry: 'http://127.0.0.1:9', npm_config_cache: join(folder, 'npx') };
  const { stdout } = await execute('npx', ['iqpir', '--version'], { cwd: root, env });
  expect(stdout.trim()).toBe(findInstallation().version);
});

describe('the packed tarball', () => {
  test('holds what runs and its papers: no tests, no training, no sources but the start of the command and the import', () => {
    const expected =
      /^(dist\/(functions|infra)\/.+\.(js|d\.ts)|dist\/package-lock\.json|functions\/restore\/Dockerfile|.+\/aws\/prices\.json|functions\/local\/bin\.mjs|.+\/record\.schema\.json|models\/registry\.json|models\/onnx\/[\w-]+\.onnx|models\/cards\/[\w-]+\.json|models\/requirements\.txt|models\/(import_iqpir|export_face|face_network|face_layers|synthetic_face)\.py|package\.json|README\.md|LICENSE|CHANGELOG\.md)$/;
    expect(packed.filter((path) => !expected.test(path))).toEqual([]);
    expect(packed).toEqual(
      expect.arrayContaining(['dist/functions/local/cli.js', 'dist/functions/index.d.ts', 'LICENSE']),
    );
    expect(packed).toEqual(
      expect.arrayContaining(['README.md', 'models/registry.json', 'models/onnx/iqpir-photo.onnx']),
    );
  });

  test('brings every program that the import runs', async () => {
    for (const path of packed.filter((path) => path.endsWith('.py'))) {
      const source = await readFile(join(root, path), 'utf8');
      const imported = [...source.matchAll(/^\s*from (\w+) import/gm)].map(([, name]) => `models/${name}.py`);
      const own = (await readdir(join(root, 'models'))).map((name) => `models/${name}`);
      expect(packed).toEqual(expect.arrayContaining(imported.filter((name) => own.includes(name))));
    }
    expect(packed).toContain('models/import_iqpir.py');
  });

  test('is smaller than 45 MB, its models included', async () => {
    expect((await stat(tarball)).size).toBeLessThan(45e6);
  });
});

describe('installed in an empty folder', { timeout: 120_000 }, () => {
  test('the command restores a picture, without tsx', async (context) => {
    const place = await installedOrSkip(context);
    await expect(access(join(place, 'node_modules', 'tsx'))).rejects.toMatchObject({ code: 'ENOENT' });
    const command = join(place, 'node_modules', '.bin', 'iqpir');
    const { stdout } = await execute(command, ['restore', 'small.png', '-o', 'out', '--deliver', 'always', '--json'], {
      cwd: place,
    });
    const record = RestorationRecord.parse(JSON.parse(stdout));
    expect(record).toMatchObject({ status: 'succeeded', result: { format: 'png', width: 96, height: 64 } });
    expect(await readdir(join(place, 'out'))).toEqual(expect.arrayContaining(['small.png', 'records']));
    const { width, height } = await sharp(join(place, 'out', 'small.png')).metadata();
    expect([width, height]).toEqual([96, 64]);
  });

  test('the face detector, which npm leaves out beside the package, comes by one command', async (context) => {
    const place = await installedOrSkip(context);
    const command = join(place, 'node_modules', '.bin', 'iqpir');
    const env = { ...process.env, XDG_DATA_HOME: join(place, 'data') };
    const install = await execute(command, ['models', 'install', 'blazeface'], { cwd: place, env });
    expect(install.stdout).toContain('Installed blazeface (detect-faces)');
    const verify = await execute(command, ['models', 'verify', 'blazeface'], { cwd: place, env });
    expect(verify.stdout).toContain('blazeface: ok');
  });

  test('a program in TypeScript compiles against the declarations, and restores a picture too', async (context) => {
    const place = await installedOrSkip(context);
    expect(await compile(place, program)).toBe('');
    const { stdout } = await execute(process.execPath, ['program.mjs'], { cwd: place });
    expect(stdout).toBe('succeeded at bucket/results/small.png\n');
  });

  test('README’s CDK app synthesises, its functions and image made of the package', async (context) => {
    const place = await installedOrSkip(context);
    const [, app] = /```ts\n(import \{ App,[^`]+)```/.exec(await readFile(join(root, 'README.md'), 'utf8')) ?? [];
    await writeFile(join(place, 'app.mjs'), app ?? '');
    // What the app's own package.json would name beside ours.
    for (const name of ['aws-cdk-lib', 'constructs', 'esbuild']) {
      await symlink(join(root, 'node_modules', name), join(place, 'node_modules', name));
    }
    const outdir = join(place, 'cdk.out');
    await execute(process.execPath, ['app.mjs'], { cwd: place, env: { ...process.env, CDK_OUTDIR: outdir } });
    const template = await readFile(join(outdir, 'Photos.template.json'), 'utf8');
    expect(template).toContain('AWS::Batch::JobDefinition');
    const assets = (await readdir(outdir, { recursive: true })).map((path) => path.replace(/^asset\.[0-9a-f]+/, ''));
    expect(assets.filter((path) => path === '/index.mjs')).toHaveLength(2);
    expect(assets).toEqual(
      expect.arrayContaining([
        '/package-lock.json',
        '/dist/functions/restore/main.js',
        '/functions/restore/Dockerfile',
      ]),
    );
  });

  test('a wrong use of the declarations does not compile', async (context) => {
    const place = await installedOrSkip(context);
    expect(await compile(place, program.replace('key,', 'keys: key,'))).toContain("'keys' does not exist");
  });
});

const consumerOptions = {
  strict: true,
  module: 'NodeNext',
  target: 'ES2023',
  types: ['node'],
  typeRoots: [join(root, 'node_modules', '@types')],
};

/** A whole program on the package: one picture put into a folder that stands for a bucket, and restored there. */
const program = `
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { bucketLayout, FolderStore, findInstallation, loadRegistry, openEngine, restoreUpload, Settings, takeTurns } from 'iqpir-restore';

const { root, ...software } = findInstallation();
const store = new FolderStore({ root: 'bucket' });
const { key, size, etag } = await store.put('uploads/small.png', await readFile('small.png'));
const settings = Settings.parse({ deliver: 'always' });
const registry = await loadRegistry([join(root, 'models', 'registry.json')]);
const engine = await openEngine(registry, settings, { device: 'cpu', threads: 2 });
const now = new Date().toISOString();
const outcome = await restoreUpload(
  { bucket: store.bucket, key, size, etag, eventTime: now },
  { source: store, results: store, layout: bucketLayout, settings, overwrite: false, engine, turns: takeTurns(), software, createdAt: now },
);
await engine.close();
if (outcome.standing === 'open' && outcome.record.status !== 'failed') {
  console.log(outcome.record.status, 'at', \`bucket/\${outcome.record.result.key}\`);
}
`;

/** @returns what the compiler complains of */
async function compile(place: string, text: string): Promise<string> {
  await writeFile(join(place, 'program.mts'), text);
  await writeFile(join(place, 'tsconfig.json'), JSON.stringify({ compilerOptions: consumerOptions }));
  const compiler = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  const { stdout } = await execute(process.execPath, [compiler, '-p', place]).catch(
    (error: { stdout: string }) => error,
  );
  return stdout;
}

/** @returns the folder; undefined where the registry cannot be reached */
async function install(): Promise<string | undefined> {
  const place = join(folder, 'empty');
  await mkdir(place);
  try {
    await npm(place, 'install', tarball, '--prefix', place, '--prefer-offline', '--no-audit', '--no-fund');
  } catch (error) {
    const unreachable = /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ENETUNREACH|ETIMEDOUT|ENOTCACHED/.test(String(error));
    if (unreachable && !process.env.CI) return undefined;
    throw error;
  }
  const { width, height, channels, pixels } = photoLike(96, 64);
  await sharp(pixels, { raw: { width, height, channels } }).png().toFile(join(place, 'small.png'));
  return place;
}

async function installedOrSkip(context: TestContext): Promise<string> {
  return installed ?? context.skip('npm reaches no registry: the tarball was packed, but not installed');
}

function npm(cwd: string, ...args: string[]): Promise<{ stdout: string }> {
  // The file in the checkout that keeps onnxruntime from downloading CUDA does not come with the package.
  const env = { ...process.env, ONNXRUNTIME_NODE_INSTALL: 'skip' };
  return execute('npm', args, { cwd, env, maxBuffer: 32e6 });
}
