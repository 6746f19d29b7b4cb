import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { z } from 'zod';
import { root } from '../cli.ts';

/** What `cdk synth` wrote, in the order in which it is to be deployed. */
export interface Synthesised {
  folder: string;
  stacks: { name: string; templateFile: string; assets: Asset[] }[];
}

export interface Asset {
  path: string;
  packaging: 'file' | 'zip';
  bucket: string;
  key: string;
}

const Assembly = z.looseObject({
  artifacts: z.record(
    z.string(),
    z.looseObject({
      type: z.string(),
      dependencies: z.array(z.string()).default([]),
      properties: z.looseObject({ templateFile: z.string().optional(), stackName: z.string().optional() }).optional(),
    }),
  ),
});
const Assets = z.looseObject({
  files: z.record(
    z.string(),
    z.looseObject({
      source: z.looseObject({ path: z.string(), packaging: z.enum(['file', 'zip']) }),
      destinations: z.record(z.string(), z.looseObject({ bucketName: z.string(), objectKey: z.string() })),
    }),
  ),
});

/** `npx cdk synth` of the app as it is, with this context; it needs neither network nor credentials. */
export async function synthesise(folder: string, context: Record<string, string>): Promise<Synthesised> {
  const cdk = join(root, 'node_modules', 'aws-cdk', 'bin', 'cdk');
  const options = Object.entries(context).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const env: NodeJS.ProcessEnv = { ...process.env, AWS_EC2_METADATA_DISABLED: 'true' };
  for (const name of ['CDK_DEFAULT_ACCOUNT', 'CDK_DEFAULT_REGION', 'AWS_PROFILE']) delete env[name];
  await promisify(execFile)(process.execPath, [cdk, 'synth', '--quiet', '--output', folder, ...options], {
    cwd: root,
    env,
    maxBuffer: 64 * 1024 * 1024,
  });
  return readAssembly(folder);
}

export async function readAssembly(folder: string): Promise<Synthesised> {
  const { artifacts } = Assembly.parse(await readJson(join(folder, 'manifest.json')));
  const ofType = (type: string) => Object.entries(artifacts).filter(([, artifact]) => artifact.type === type);
  const stacks = ofType('aws:cloudformation:stack').map(([id, { properties, dependencies }]) => ({
    id,
    name: properties?.stackName ?? id,
    templateFile: properties?.templateFile ?? `${id}.template.json`,
    dependencies,
  }));
  const ids = new Set(stacks.map(({ id }) => id));
  const ordered: typeof stacks = [];
  while (ordered.length < stacks.length) {
    const done = new Set(ordered.map(({ id }) => id));
    const next = stacks.find(
      ({ id, dependencies }) => !done.has(id) && dependencies.every((other) => !ids.has(other) || done.has(other)),
    );
    if (!next) throw new Error('Expected stacks without a cycle between them');
    ordered.push(next);
  }
  const withAssets = ordered.map(async ({ id, name, templateFile }) => {
    const { files } = Assets.parse(await readJson(join(folder, `${id}.assets.json`)));
    const assets = Object.values(files).flatMap(({ source, destinations }) =>
      Object.values(destinations).map(({ bucketName, objectKey }) => ({
        ...source,
        bucket: bucketName,
        key: objectKey,
      })),
    );
    return { name, templateFile, assets };
  });
  return { folder, stacks: await Promise.all(withAssets) };
}

async function readJson(path: string): Promise<unknown> {
  return JSON.parse(await readFile(path, 'utf8'));
}
