import { execFile } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { chmod } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { dockerfile, stageImageContext } from '../../infra/constructs/image-context.ts';
import { root } from '../support/cli.ts';
import { type Instruction, parseDockerfile } from '../support/dockerfile.ts';

const execute = promisify(execFile);
const stages = parseDockerfile(readFileSync(join(root, dockerfile), 'utf8'));
const targets = stages.filter(({ name }) => name === 'slim' || name === 'cuda');

/** What needs Debian's or NVIDIA's servers, or a CUDA image: not run here. */
const elsewhere = /apt-get|script\/install\.js|ldd /;

test('both targets are there, slim and cuda, on images pinned by digest', () => {
  expect(targets.map(({ name }) => name).sort()).toEqual(['cuda', 'slim']);
  const names = new Set(stages.map(({ name }) => name));
  const images = stages.map(({ from }) => from).filter((from) => !names.has(from));
  for (const image of images) expect(image).toMatch(/^(node:22-|nvidia\/cuda:13\.).+@sha256:[0-9a-f]{64}$/);
});

describe.each(targets)('the target $name', ({ instructions }) => {
  const values = (name: string) => instructions.filter((each) => each.name === name).map(({ value }) => value);

  test('runs as nobody in particular, and writes to /tmp alone', () => {
    expect(values('USER')).toEqual(['1000:1000']);
    expect(instructions.findLastIndex(({ name }) => name === 'RUN' || name === 'COPY')).toBeLessThan(
      instructions.findIndex(({ name }) => name === 'USER'),
    );
    expect(values('VOLUME')).toEqual(['["/tmp"]']);
  });

  test('says what it is', () => {
    expect(values('LABEL').join()).toContain('org.opencontainers.image.title=');
  });
});

/** The image is for linux/amd64, and so are the binaries that its steps keep. */
const likeTheImage = process.platform === 'linux' && process.arch === 'x64';

describe.skipIf(!likeTheImage)('its steps, run in order in a scratch folder', () => {
  const folder = mkdtempSync(join(tmpdir(), 'iqpir-dockerfile-'));
  const context = join(folder, 'context');
  const skipped: string[] = [];
  let unreachable = false;

  beforeAll(async () => {
    mkdirSync(context);
    stageImageContext(context);
    try {
      for (const stage of stages) await build(stage);
    } catch (error) {
      unreachable = /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ENETUNREACH|ETIMEDOUT|ENOTCACHED/.test(String(error));
      if (!unreachable || process.env.CI) throw error;
    }
  }, 600_000);
  beforeEach((context) => {
    if (unreachable) context.skip('npm reaches no registry: the steps could not be run');
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test('all of them ran but those that need other servers or CUDA', () => {
    expect(skipped).toHaveLength(3);
  });

  test.each(['slim', 'cuda'])('%s holds the program that the job definition names, and it starts', async (target) => {
    const app = join(folder, target, 'app');
    const { code, stderr, stdout } = (await execute(process.execPath, ['dist/functions/restore/main.js'], {
      cwd: app,
      env: { PATH: process.env.PATH, TMPDIR: folder },
    }).catch((error: { code: number; stdout: string; stderr: string }) => error)) as Ended;
    expect(stdout + stderr).toContain('--manifest');
    expect(code).toBe(2);
  });

  test('packages for development and other platforms’ binaries are not in it', () => {
    const modules = join(folder, 'slim', 'app', 'node_modules');
    for (const name of ['sharp', 'onnxruntime-node', 'zod', '@aws-sdk/client-s3']) {
      expect(existsSync(join(modules, name)), name).toBe(true);
    }
    for (const name of ['aws-cdk-lib', 'constructs', 'esbuild', 'typescript', 'vitest', 'tsx']) {
      expect(existsSync(join(modules, name)), name).toBe(false);
    }
    const binaries = join(modules, 'onnxruntime-node', 'bin', 'napi-v6');
    expect(['linux/x64', 'linux/arm64', 'darwin', 'win32'].map((name) => existsSync(join(binaries, name)))).toEqual([
      ...[true, false, false, false],
    ]);
  });

  test('what is copied weighs less than 160 MB', async () => {
    const { stdout } = await execute('du', ['-sm', join(folder, 'slim', 'app')]);
    expect(Number.parseInt(stdout, 10)).toBeLessThan(160);
  });

  async function build({ name, from, instructions }: (typeof stages)[number]): Promise<void> {
    const base = join(folder, from);
    const place = join(folder, name);
    if (existsSync(base)) await execute('cp', ['-al', base, place]);
    else mkdirSync(place);
    let workdir = place;
    let env: NodeJS.ProcessEnv = { PATH: process.env.PATH, HOME: folder };
    for (const instruction of instructions) {
      if (instruction.name === 'WORKDIR') workdir = join(place, instruction.value);
      if (instruction.name === 'ENV') env = { ...env, ...variables(instruction) };
      if (instruction.name === 'COPY') await copy(instruction, place, workdir);
      if (instruction.name === 'RUN') await run(instruction, workdir, env);
      mkdirSync(workdir, { recursive: true });
    }
  }

  async function run({ value }: Instruction, cwd: string, env: NodeJS.ProcessEnv): Promise<void> {
    if (elsewhere.test(value)) {
      skipped.push(value);
      return;
    }
    // The cache and the registry are this machine's; the folder is the image's.
    const npm = Object.fromEntries(
      Object.entries(process.env).filter(([key]) => /^npm_config_(cache|registry)$/i.test(key)),
    );
    await execute('sh', ['-c', value], { cwd, env: { ...npm, ...env, HOME: process.env.HOME }, maxBuffer: 32e6 });
  }

  async function copy({ value }: Instruction, place: string, workdir: string): Promise<void> {
    const words = value.split(/\s+/);
    const stage = /^--from=(\S+)$/.exec(words[0] ?? '')?.[1];
    const paths = stage ? words.slice(1) : words;
    const to = paths.pop() ?? '';
    const target = to.startsWith('/') ? join(place, to) : join(workdir, to);
    for (const path of paths) {
      const source = stage ? join(folder, stage, path) : join(context, path);
      // Node itself comes from the base image, which is not here.
      if (stage && path === '/usr/local/bin/node') continue;
      if (!existsSync(source)) throw new Error(`COPY ${value}: ${path} is not there`);
      mkdirSync(dirname(target), { recursive: true });
      cpSync(source, to.endsWith('/') ? join(target, path) : target, { recursive: true });
    }
  }
});

describe('the check of the CUDA libraries', () => {
  const [check] = (stages.find(({ name }) => name === 'cuda')?.instructions ?? []).filter(({ value }) =>
    /ldd /.test(value),
  );
  const found = '\tlibcudart.so.13 => /usr/local/cuda/lib64/libcudart.so.13 (0x1)\n';
  const noDriver = '\tlibcuda.so.1 => not found\n';
  const all = ['libcudnn.so.9', 'libcufft.so.12', 'libnvrtc.so.13'];

  test('passes where only the driver is missing, which the host brings', async () => {
    expect(await outcome(found + noDriver, all)).toBe('passed');
  });

  test('fails where a library that the provider is linked with is missing', async () => {
    expect(await outcome(`${found}${noDriver}\tlibcublas.so.13 => not found\n`, all)).toContain('libcublas.so.13');
  });

  test.each(all)('fails where %s is missing, which ldd does not see', async (missing) => {
    const rest = all.filter((name) => name !== missing);
    expect(await outcome(found + noDriver, rest)).toContain(`Expected ${missing}`);
  });

  /** Runs the step as it stands, with tools that say what they are told. */
  async function outcome(ldd: string, cached: string[]): Promise<string> {
    const tools = mkdtempSync(join(tmpdir(), 'iqpir-ldd-'));
    try {
      const say = async (name: string, text: string) => {
        writeFileSync(join(tools, name), `#!/bin/sh\nprintf '%s' '${text}'\n`);
        await chmod(join(tools, name), 0o755);
      };
      await say('ldd', ldd);
      await say('ldconfig', cached.map((name) => `\t${name} (libc6,x86-64) => /usr/lib/${name}\n`).join(''));
      const env = { PATH: `${tools}:${dirname(process.execPath)}:/usr/bin:/bin` };
      await execute('/bin/bash', ['-o', 'pipefail', '-c', check?.value ?? 'exit 9'], { env });
      return 'passed';
    } catch (error) {
      return (error as Ended).stdout;
    } finally {
      rmSync(tools, { recursive: true, force: true });
    }
  }
});

interface Ended {
  code?: number;
  stdout: string;
  stderr: string;
}

function variables({ value }: Instruction): Record<string, string> {
  return Object.fromEntries([...value.matchAll(/(\w+)=(\S+)/g)].map(([, name = '', text = '']) => [name, text]));
}
