/**
 * The pipeline on this machine, to play with: `npm run aws:local`. Nothing of AWS is needed or touched; the buckets live in
 * memory and are gone when it ends.
 */
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { type Pipeline, pipelineStack, startPipeline } from './pipeline.ts';

/** IQPIR_MINISTACK, or the program on the PATH. */
function findMinistack(): string | undefined {
  if (process.env.IQPIR_MINISTACK) return process.env.IQPIR_MINISTACK;
  try {
    return execFileSync('sh', ['-c', 'command -v ministack'], { encoding: 'utf8' }).trim();
  } catch {
    return undefined;
  }
}

function instructions({ environment, outputs, buckets }: Pipeline): string {
  const exports = Object.entries(environment).map(([name, value]) => `export ${name}=${value}`);
  const { UploadsBucket, ResultsBucket, UploadsPrefix } = outputs;
  const s3 = `${environment.AWS_ENDPOINT_URL}`;
  return `
The pipeline is up: the stacks were created from their synthesised templates, containers run as processes.

  uploads   ${s3}/${UploadsBucket}   below ${UploadsPrefix || 'any key'}
  results   ${s3}/${ResultsBucket}

In another terminal, in this folder:

  ${exports.join('\n  ')}

  curl -T samples/metro.jpg ${s3}/${UploadsBucket}/${buckets.prefix}metro.jpg      # or: aws s3 cp
  npx iqpir aws status ${buckets.prefix}metro.jpg --stack ${pipelineStack}
  curl ${s3}/${ResultsBucket}/records/metro.jpg.json                  # half a minute later
  curl -o restored.jpg ${s3}/${ResultsBucket}/results/metro.jpg
  npx iqpir aws backfill --stack ${pipelineStack} --dry-run

An upload waits up to 20 s for others, as it does on AWS, so that one job takes them all. Ctrl-C ends it and forgets everything.
`;
}

const ministack = findMinistack();
if (!ministack) {
  console.error(`Expected MiniStack, the emulator of AWS that this runs on, but there is none. With Python 3.10 or newer:
  python3 -m venv .venv && .venv/bin/pip install -r test/support/requirements.txt
  IQPIR_MINISTACK=.venv/bin/ministack npm run aws:local`);
  process.exit(2);
}
process.env.IQPIR_MINISTACK = ministack;

// A second Ctrl-C must not end this before the first has put away the emulator and the containers.
const asked = Promise.race(['SIGINT', 'SIGTERM'].map((signal) => once(process, signal)));
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => {});
console.log('Synthesising the stacks and starting the emulator: up to a minute ...');
const pipeline = await startPipeline({ onOutput: (text) => process.stdout.write(text) });
try {
  console.log(instructions(pipeline));
  await asked;
  console.log('\nStopping ...');
} finally {
  await pipeline.stop();
}
