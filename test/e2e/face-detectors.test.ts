import { copyFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { iqpir, root } from '../support/cli.ts';
import { fixtureModel } from '../support/model-cards.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
beforeAll(async () => {
  folder = await temporaryFolder();
});
afterAll(() => folder.dispose());

test('YuNet comes by its example card, once the file is what the card says', { timeout: 120_000 }, async () => {
  const env = { XDG_DATA_HOME: join(folder.path, 'data') };
  const example = JSON.parse(await readFile(join(root, 'models', 'cards', 'yunet.json'), 'utf8'));
  // YuNet's file is not ours to commit: a drawn network with the same inputs and outputs takes its place.
  const { card: drawn, path } = fixtureModel('spots');
  await copyFile(path, join(folder.path, example.file));
  const card = join(folder.path, 'yunet.json');
  await writeFile(card, JSON.stringify(example));
  const refused = await iqpir(['models', 'add', card], { env });
  expect(refused.code).toBe(2);
  expect(refused.stderr).toContain(`Expected ${example.bytes} bytes`);

  await writeFile(card, JSON.stringify({ ...example, sha256: drawn.sha256, bytes: drawn.bytes }));
  const added = await iqpir(['models', 'add', card], { env });
  expect(added.stderr).toBe('');
  expect(added.stdout).toContain('Added yunet (detect-faces)');
  expect((await iqpir(['models', 'verify', 'yunet'], { env })).stdout).toContain('yunet: ok');
});

test('a detector is no restorer', async () => {
  const ended = await iqpir([
    'restore',
    join(root, 'samples', 'dahlia.jpg'),
    '-o',
    folder.path,
    '--model',
    'blazeface',
  ]);
  expect(ended.code).toBe(2);
  expect(ended.stderr).toContain('which is a model to detect-faces');
});

test('install leaves alone what is there', async () => {
  const ended = await iqpir(['models', 'install', 'iqpir-photo']);
  expect(ended.code).toBe(0);
  expect(ended.stdout).toContain('iqpir-photo is there already');
});
