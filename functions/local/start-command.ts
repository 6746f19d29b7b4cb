import { createReadStream } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { z } from 'zod';
import { acceptEvent } from '../dispatch/dispatch.ts';
import { bucketLayout } from '../lib/contracts/keys.ts';
import type { Upload } from '../lib/contracts/object-event.ts';
import { Settings } from '../lib/contracts/settings.ts';
import type { Installation } from '../lib/installation.ts';
import { FolderStore } from '../lib/storage/folder-store.ts';
import { exitCodes } from './exit-codes.ts';
import { openLocalEngine } from './local-engine.ts';
import { objectCreated } from './object-created.ts';
import { showProgress } from './progress.ts';
import { readRecords } from './records.ts';
import { reportOn } from './report-on.ts';
import { localContext, runJobs } from './run.ts';
import { summarise } from './summary.ts';

const Expected = z.record(z.string(), z.enum(['succeeded', 'unchanged', 'failed']));

/** `npm start`: uploads the samples into ./bucket, restores them as the cloud would, and shows what became of them. */
export async function startCommand({
  installation,
  signal,
}: {
  installation: Installation;
  signal: AbortSignal;
}): Promise<void> {
  const samples = join(installation.root, 'samples');
  const expected = Expected.parse(JSON.parse(await readFile(join(samples, 'expected.json'), 'utf8')));
  const root = resolve('bucket');
  const settings = Settings.parse({});
  const store = new FolderStore({ root });
  const engine = await openLocalEngine(installation, settings, { device: 'cpu' });
  try {
    const uploads: Upload[] = [];
    const names = (await readdir(samples)).filter((name) => name in expected);
    for (const name of names) {
      const key = `${bucketLayout.uploads}${name}`;
      if (!(await store.head(key))) await store.put(key, createReadStream(join(samples, name)));
      const upload = acceptEvent(await objectCreated(root, key), bucketLayout);
      if (upload && !('reason' in upload)) uploads.push(upload);
    }
    process.stderr.write(`Uploaded ${uploads.length} samples into ${join(root, 'uploads')}.\n`);

    const progress = showProgress(uploads.length, { quiet: false });
    const context = localContext({ installation, settings, engine, signal });
    const layout = bucketLayout;
    const ended = await runJobs(uploads, {
      ...context,
      source: store,
      results: store,
      layout,
      onProgress: progress.update,
    });
    progress.stop();

    const records = await readRecords(store, bucketLayout, uploads);
    summarise({ ...ended, records, ignored: 0, place: root, quiet: false });
    if (signal.aborted) return;
    const page = await reportOn({ records, source: store, results: store, title: 'Samples', installation });
    process.stderr.write(
      `Restored pictures: ${join(root, 'results')}\nRecords: ${join(root, 'records')}\nBefore and after: ${page}\n`,
    );

    const surprises = records.filter(
      ({ source, status }) => status !== expected[source.key.slice(bucketLayout.uploads.length)],
    );
    for (const { source, status } of surprises)
      process.stderr.write(`${source.key} ended as ${status}, which was not expected.\n`);
    const asExpected = surprises.length === 0 && records.length === Object.keys(expected).length;
    process.exitCode = asExpected ? exitCodes.done : exitCodes.failed;
  } finally {
    await engine.close();
  }
}
