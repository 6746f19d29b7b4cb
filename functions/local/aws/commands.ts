import { type Command, InvalidArgumentError } from 'commander';
import type { Installation } from '../../lib/installation.ts';

/** The `iqpir aws` commands. Each loads what it needs when it is called: --help starts without the AWS SDK. */
export function addAwsCommands(program: Command, installation: Installation, signal: AbortSignal): void {
  const aws = program
    .command('aws')
    .description('Operate the pipeline on AWS: backfill, redrive, status, cost.')
    .addHelpText(
      'after',
      `
Examples:
  $ iqpir aws status uploads/a.jpg --stack IqpirRestore-dev-Pipeline     where does my upload stand?
  $ iqpir aws backfill --stack IqpirRestore-dev-Pipeline --dry-run       what has no record, and what would it cost?
  $ iqpir aws redrive --stack IqpirRestore-dev-Pipeline --dry-run        what do the dead letters say?
  $ iqpir aws cost --stack IqpirRestore-dev-Pipeline                     dollars per 1,000 images, from measured seconds

--stack reads buckets and queues from the pipeline's outputs; or name them one by one. Region and credentials come from the
environment (AWS_REGION, AWS_PROFILE, ...), as for the AWS CLI.`,
    );
  addBackfill(aws, installation, signal);
  addRedrive(aws, signal);
  addStatus(aws);
  addCost(aws, installation, signal);
}

function addBackfill(aws: Command, installation: Installation, signal: AbortSignal): void {
  withBuckets(aws.command('backfill'))
    .description(
      'Restore every upload that has no record of its current version: old ones, and those whose event was lost.',
    )
    .option('--queue <arn>', 'job queue')
    .option('--job-definition <arn>', 'job definition, with its revision')
    .option('--prefix <prefix>', 'only uploads whose key starts with it')
    .option('--since <date>', 'only uploads put since then (2026-11-23, or with a time)', instant)
    .option('--outdated', 'also what other models or settings restored', false)
    .option('--failed', 'also what failed, but not because of the picture', false)
    .option('--settings <json>', "what is asked, as JSON (default: the stack's settings, else the models' defaults)")
    .option('--rate <n>', 'uploads a second at most', positive('--rate'), 200)
    .option('--prices <file>', 'table of prices for the estimate (default: the one shipped)')
    .option('--dry-run', 'count, bytes and an estimate of the cost; nothing is written', false)
    .option('--json', 'one job a line on stdout, then the summary', false)
    .addHelpText(
      'after',
      `
Examples:
  $ iqpir aws backfill --stack NAME --dry-run
  $ iqpir aws backfill --stack NAME --prefix 2025/ --rate 50
  $ iqpir aws backfill --stack NAME --since 2026-11-20            after a day of lost events
  $ iqpir aws backfill --stack NAME --outdated                    after new models or settings
  $ iqpir aws backfill --bucket photos --results restored --queue ARN --job-definition ARN

Stop at any moment and run again: what is settled by then is found so, what is still queued is skipped by its worker.
Records are read only where the listings leave a doubt. An upload that asks for something else by its own metadata gets it.`,
    )
    .action(async (options) =>
      (await import('./backfill-command.ts')).backfillCommand({ ...options, installation, signal }),
    );
}

function addRedrive(aws: Command, signal: AbortSignal): void {
  aws
    .command('redrive')
    .description('Say what the dead letters are about, and move those of uploads back to dispatch.')
    .option('--stack <name>', "the pipeline's CloudFormation stack")
    .option('--from <url...>', 'dead-letter queues')
    .option('--to <url>', "dispatch's queue")
    .option('--uploads-prefix <prefix>', "the pipeline's own, where it has one")
    .option('--delete-others', 'delete letters that tell of no upload; they are printed first', false)
    .option('--dry-run', 'only say what they are about', false)
    .option('--json', 'one letter a line on stdout, then the summary', false)
    .addHelpText(
      'after',
      `
Examples:
  $ iqpir aws redrive --stack NAME --dry-run
  $ iqpir aws redrive --stack NAME
  $ iqpir aws redrive --from https://sqs.eu-central-1.amazonaws.com/1234/dead --to https://sqs.eu-central-1.amazonaws.com/1234/queue

A letter is deleted only after it was sent: stopped in between, it is sent twice, which does no harm.`,
    )
    .action(async (options) => (await import('./redrive-command.ts')).redriveCommand({ ...options, signal }));
}

function addStatus(aws: Command): void {
  withBuckets(aws.command('status'))
    .description('Where an upload stands: the object, its record, and while it waits its manifest and job.')
    .argument('<key>', "the upload's whole key")
    .option('--queue <arn>', 'job queue, to look for the job')
    .option('--json', 'one object on stdout', false)
    .addHelpText(
      'after',
      `
Examples:
  $ iqpir aws status 2026/a.jpg --stack NAME
  $ until iqpir aws status 2026/a.jpg --stack NAME; do [ $? = 3 ] || break; sleep 10; done

Exit codes: 0 settled, 1 failed, 2 wrong use or configuration, 3 not settled (waiting, or no such upload).`,
    )
    .action(async (key: string, options) => (await import('./status-command.ts')).statusCommand({ ...options, key }));
}

function addCost(aws: Command, installation: Installation, signal: AbortSignal): void {
  aws
    .command('cost')
    .description('Dollars per 1,000 images, from the seconds in the records and a table of prices.')
    .option('--stack <name>', "the pipeline's CloudFormation stack")
    .option('--results <bucket>', 'bucket of the results')
    .option('--sample <n>', 'records to read at most, drawn at random', positive('--sample'), 1000)
    .option('--machine <name>', 'only this machine of the table')
    .option('--price <usd>', 'what it costs an hour, from your own bill', positive('--price'))
    .option('--prices <file>', 'table of prices (default: the one shipped)')
    .option('--json', 'one object on stdout', false)
    .addHelpText(
      'after',
      `
Examples:
  $ iqpir aws cost --stack NAME
  $ iqpir aws cost --results restored --machine g6.xlarge --price 0.35      what a spot machine was billed at

Seconds are measured, prices are published ones with date and region: the answer says which is which, and what it leaves out.`,
    )
    .action(async (options) => (await import('./cost-command.ts')).costCommand({ ...options, installation, signal }));
}

function withBuckets(command: Command): Command {
  return command
    .option('--stack <name>', "the pipeline's CloudFormation stack; options beside it go before what it says")
    .option('--bucket <uploads>', 'bucket of the uploads')
    .option('--results <bucket>', 'bucket of the results')
    .option('--uploads-prefix <prefix>', "the pipeline's own, where it has one; ends in a slash");
}

function positive(name: string): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (value > 0 && Number.isFinite(value)) return value;
    throw new InvalidArgumentError(`Expected ${name} to be a number above 0, but ${text} came.`);
  };
}

/** @returns ISO 8601 as S3's times are compared with */
function instant(text: string): string {
  const time = Date.parse(text);
  if (/^\d{4}-\d{2}-\d{2}/.test(text) && !Number.isNaN(time)) return new Date(time).toISOString();
  throw new InvalidArgumentError(`Expected --since as 2026-11-23 or 2026-11-23T10:00:00Z, but ${text} came.`);
}
