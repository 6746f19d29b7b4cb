import { writeFileSync } from 'node:fs';
import { dirname, extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { AssetHashType, DockerImage, type Duration, RemovalPolicy, Validations } from 'aws-cdk-lib';
import { PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Architecture, Code, Function as LambdaFunction, Runtime } from 'aws-cdk-lib/aws-lambda';
import { LogGroup, type RetentionDays } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import { buildSync } from 'esbuild';
import { findInstallation } from '../../functions/lib/installation.ts';

export interface LambdaProgramProps {
  /** Folder of the program below functions/; its handler.ts exports `handler`. */
  readonly program: 'dispatch' | 'settle';
  readonly description: string;
  readonly environment: Record<string, string>;
  readonly timeout: Duration;
  readonly logRetention: RetentionDays;
}

/** One of the Lambdas: its code bundled at synthesis, a role that may write its own log, and that log. */
export class LambdaProgram extends Construct {
  readonly function: LambdaFunction;
  readonly role: Role;
  readonly logGroup: LogGroup;

  constructor(scope: Construct, id: string, props: LambdaProgramProps) {
    super(scope, id);
    this.logGroup = new LogGroup(this, 'Log', { retention: props.logRetention, removalPolicy: RemovalPolicy.DESTROY });
    this.role = new Role(this, 'Role', { assumedBy: new ServicePrincipal('lambda.amazonaws.com') });
    this.role.addToPolicy(
      new PolicyStatement({
        actions: ['logs:CreateLogStream', 'logs:PutLogEvents'],
        resources: [this.logGroup.logGroupArn],
      }),
    );
    this.function = new LambdaFunction(this, 'Function', {
      description: props.description,
      runtime: Runtime.NODEJS_22_X,
      architecture: Architecture.X86_64,
      handler: 'index.handler',
      code: bundled(props.program),
      role: this.role,
      logGroup: this.logGroup,
      environment: props.environment,
      memorySize: 512,
      timeout: props.timeout,
    });
    Validations.of(this.function).acknowledge({
      id: 'AwsSolutions-L1',
      reason: 'Node 22 is supported, and what the tests and the container run on; all three move together.',
    });
  }
}

/**
 * The program as one file, made by esbuild at synthesis: from the sources in a checkout, from the compiled files in an
 * installed package, which lie in the same places. It needs no Docker and no network, and the same sources give the same
 * bytes, so that an unchanged program is not deployed again.
 */
function bundled(program: string): Code {
  const here = fileURLToPath(import.meta.url);
  const folder = join(dirname(here), '..', '..', 'functions', program);
  const entry = join(folder, `handler${extname(here)}`);
  return Code.fromAsset(folder, {
    assetHashType: AssetHashType.OUTPUT,
    bundling: {
      image: neverRun,
      local: {
        tryBundle(outputDir) {
          bundle(entry, outputDir);
          return true;
        },
      },
    },
  });
}

/** The CDK asks for an image to bundle in, and only runs it where bundling without one says no. */
const neverRun = DockerImage.fromRegistry('none');

function bundle(entry: string, outputDir: string): void {
  const { root, name, version } = findInstallation();
  buildSync({
    entryPoints: [entry],
    outfile: join(outputDir, 'index.mjs'),
    // Names in the bundle's comments are relative to it, not to where somebody's checkout lies.
    absWorkingDir: root,
    bundle: true,
    platform: 'node',
    target: 'node22',
    format: 'esm',
    mainFields: ['module', 'main'],
    // Packages written for require() still ask for it.
    banner: {
      js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
    },
    logLevel: 'error',
  });
  // Records carry the software's name and version, which are looked for beside the code.
  writeFileSync(join(outputDir, 'package.json'), `${JSON.stringify({ name, version, type: 'module' })}\n`);
}
