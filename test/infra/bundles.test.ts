import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { App } from 'aws-cdk-lib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { findInstallation } from '../../functions/lib/installation.ts';
import { addStacks } from '../../infra/add-stacks.ts';

const execute = promisify(execFile);

/** As `npx cdk synth` leaves it: nothing is skipped, and nothing is on PATH that could be asked for help. */
interface Assembly {
  folder: string;
  /** Folders of the functions' code, and of the image, by the last part of their assets' names. */
  dispatch: string;
  settle: string;
  image: { folder: string; target: string; file: string };
}

let first: Assembly;
let second: Assembly;

beforeAll(async () => {
  first = await synthesise('cuda');
  second = await synthesise('cpu');
}, 300_000);
afterAll(() => Promise.all([first, second].map(({ folder }) => rm(folder, { recursive: true, force: true }))));

describe.each(['dispatch', 'settle'] as const)('the code of %s', (program) => {
  test('is one module that exports the handler, and names itself beside it', async () => {
    const folder = first[program];
    expect((await readdir(folder)).sort()).toEqual(['index.mjs', 'package.json']);
    const script = `import(${JSON.stringify(join(folder, 'index.mjs'))}).then(({ handler }) => console.log(typeof handler))`;
    // Nothing of this checkout is to be had there.
    const { stdout } = await execute(process.execPath, ['-e', script], { cwd: folder, env: {} });
    expect(stdout.trim()).toBe('function');
    const { name, version } = findInstallation();
    expect(JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'))).toEqual({ name, version, type: 'module' });
  });

  test('has neither codec nor network in it', async () => {
    const code = await readFile(join(first[program], 'index.mjs'), 'utf8');
    expect(code).not.toMatch(/onnxruntime|from "sharp"|require\("sharp"\)/);
    expect(code.length).toBeLessThan(4_000_000);
  });

  test('is the same bytes when it is made again', () => {
    expect(name(second[program])).toBe(name(first[program]));
  });
});

describe('what the image is made of', () => {
  test('is the programs compiled, the models with their cards, and the locked packages', async () => {
    const { folder } = first.image;
    const files = (await readdir(folder, { recursive: true })).map((path) => path.replaceAll('\\', '/'));
    const top = new Set(files.map((path) => path.split('/').slice(0, 2).join('/')));
    expect([...top].sort()).toEqual([
      ...['dist', 'dist/functions', 'functions', 'functions/restore', 'models', 'models/onnx', 'models/registry.json'],
      ...['package-lock.json', 'package.json'],
    ]);
    expect(files).toEqual(expect.arrayContaining(['dist/functions/restore/main.js', 'functions/restore/Dockerfile']));
    expect(files.filter((path) => /\.(ts|py)$/.test(path))).toEqual([]);
    const registry = JSON.parse(await readFile(join(folder, 'models', 'registry.json'), 'utf8')) as Registry;
    // Others come with the packages that carry them.
    const own = registry.models.filter((card) => !card.package);
    for (const { file, bytes } of own) expect((await stat(join(folder, 'models', file))).size).toBe(bytes);
  });

  test('is the same for both targets, and the device chooses between them', () => {
    expect([first.image.target, second.image.target]).toEqual(['cuda', 'slim']);
    expect(first.image.file).toBe('functions/restore/Dockerfile');
  });
});

interface Registry {
  models: { file: string; bytes: number; package?: { name: string } }[];
}

async function synthesise(device: string): Promise<Assembly> {
  const folder = await mkdtemp(join(tmpdir(), 'iqpir-synth-'));
  const app = new App({ outdir: folder, context: { device } });
  addStacks(app);
  app.synth();
  const { dockerImages, files } = JSON.parse(await readFile(join(folder, 'Pipeline.assets.json'), 'utf8')) as Assets;
  const [image] = Object.values(dockerImages);
  if (!image) throw new Error('Expected an image among the assets');
  const code = (program: string) => {
    const found = Object.values(files).find(({ displayName }) =>
      displayName.toLowerCase().includes(`${program}/function`),
    );
    if (!found) throw new Error(`Expected the code of ${program} among the assets`);
    return join(folder, found.source.path);
  };
  const { directory, dockerBuildTarget: target, dockerFile: file } = image.source;
  return {
    folder,
    dispatch: code('dispatch'),
    settle: code('settle'),
    image: { folder: join(folder, directory), target, file },
  };
}

interface Assets {
  files: Record<string, { displayName: string; source: { path: string } }>;
  dockerImages: Record<string, { source: { directory: string; dockerBuildTarget: string; dockerFile: string } }>;
}

/** Of an asset: its hash. */
function name(folder: string): string {
  return folder.slice(folder.lastIndexOf('asset.'));
}
