import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import Table from 'cli-table3';
import type { Image } from '../functions/lib/imaging/image.ts';
import { findModel, loadRegistry, type RegisteredModel, sha256Of } from '../functions/lib/inference/registry.ts';
import { restoreImage } from '../functions/lib/inference/run-model.ts';
import { openSession } from '../functions/lib/inference/session.ts';
import { findInstallation } from '../functions/lib/installation.ts';
import { runPython } from '../functions/local/python.ts';
import { openPyTorch } from './pytorch.ts';
import { writeFigures } from './results.ts';

export interface FaceBench {
  variants: string[];
  threads: string;
  repeats: string;
}

/** What can be run once; resolves to the seconds inside the network. */
type Run = () => Promise<number>;

const side = 512;
const eager = 'PyTorch eager fp32';

/**
 * Seconds a face: PyTorch eager fp32 and onnxruntime-node, with the weights of models/synthetic_face.py, for speed needs no
 * others. The file is made by the import itself and run as the product runs it. They take turns, so that a bad minute of the
 * machine hits both; the fastest run of each counts.
 */
export async function benchFace({ variants, ...options }: FaceBench): Promise<void> {
  const threads = Number(options.threads);
  const models = join(findInstallation().root, 'models');
  const corner = { python: process.env.IQPIR_PYTHON || 'python3', models };
  const folder = await mkdtemp(join(tmpdir(), 'iqpir-bench-'));
  const closing: (() => Promise<unknown>)[] = [() => rm(folder, { recursive: true })];
  try {
    const model = await importSynthetic(corner, folder);
    const runs = new Map<string, Run>();
    const pytorch = openPyTorch(corner, threads);
    closing.unshift(pytorch.close);
    runs.set(eager, pytorch.run);
    for (const one of [model, ...(await Promise.all(variants.map((path) => variantOf(model, path))))]) {
      const session = await openSession(one, { device: 'cpu', threads });
      closing.unshift(() => session.close());
      runs.set(
        one === model ? 'onnxruntime-node fp32' : `onnxruntime-node ${basename(one.path)}`,
        async () => (await restoreImage(session, picture(), {})).seconds,
      );
    }
    const seconds = await takeTurns(runs, Number(options.repeats));
    printTable(seconds);
    await writeFigures({ threads, repeats: Number(options.repeats), seconds: Object.fromEntries(seconds) });
  } finally {
    for (const close of closing) await close();
  }
}

async function importSynthetic(corner: { python: string; models: string }, folder: string): Promise<RegisteredModel> {
  const checkpoint = join(folder, 'synthetic.pth');
  const layout = join(corner.models, 'golden', 'iqpir-checkpoint-layout.json');
  const programs: [string, string[]][] = [
    ['synthetic_face.py', ['--layout', layout, '--out', checkpoint]],
    ['import_iqpir.py', [checkpoint, '--out', folder, '--accept-non-commercial', '--batch', '1']],
  ];
  for (const [program, args] of programs) {
    const code = await runPython(corner, program, args);
    if (code !== 0) throw new Error(`Expected ${program} to end with 0, it ended with ${code}.`);
  }
  await rm(checkpoint);
  return findModel(await loadRegistry([join(folder, 'registry.json')]), 'iqpir-face', 'restore-face');
}

async function variantOf({ card }: RegisteredModel, path: string): Promise<RegisteredModel> {
  const { size } = await stat(path);
  return { card: { ...card, id: 'variant', sha256: await sha256Of(path), bytes: size }, path: resolve(path) };
}

/** A gradient: what is on the picture changes no network's speed. */
function picture(): Image {
  const pixels = Uint8Array.from({ length: 3 * side * side }, (_, at) => ((at / 3) % side) >> 1);
  return { width: side, height: side, channels: 3, pixels };
}

/** The fastest of each, by name. */
async function takeTurns(runs: Map<string, Run>, repeats: number): Promise<Map<string, number>> {
  const fastest = new Map<string, number>();
  for (let repeat = 0; repeat <= repeats; repeat++) {
    for (const [name, run] of runs) {
      const seconds = await run();
      process.stderr.write(`${name}: ${seconds.toFixed(2)} s${repeat === 0 ? ' (warming up)' : ''}\n`);
      if (repeat > 0) fastest.set(name, Math.min(seconds, fastest.get(name) ?? Number.POSITIVE_INFINITY));
    }
  }
  return fastest;
}

function printTable(seconds: Map<string, number>): void {
  const table = new Table({ head: ['', 's a face', 'of PyTorch'], style: { head: [], border: [], compact: true } });
  const reference = seconds.get(eager) ?? Number.NaN;
  for (const [name, value] of seconds) table.push([name, value.toFixed(2), (value / reference).toFixed(3)]);
  console.log(table.toString());
}
