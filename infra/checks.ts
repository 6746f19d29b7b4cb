import type { IPolicyValidationContext, IPolicyValidationPlugin, PolicyValidationPluginReport } from 'aws-cdk-lib';
import { AwsSolutionsChecks } from 'cdk-nag';
import type { IConstruct } from 'constructs';
import { bucketLayout, rowsPrefix, userModelsPrefix } from '../functions/lib/contracts/keys.ts';

interface Acknowledgement {
  /** The finding, as cdk-nag names it. */
  finding: RegExp;
  /** Where it may come up, by the construct's path. */
  at: RegExp;
  reason: string;
}

const { results, records, manifests } = bucketLayout;
const ownPrefixes = [results, records, manifests, rowsPrefix, userModelsPrefix];

/**
 * cdk-nag's AwsSolutions rules over the whole app. What is acknowledged for good stands beside its construct; here is what
 * cannot stand there, since a finding names a bucket of another stack only once all references are resolved.
 */
export class Checks implements IPolicyValidationPlugin {
  readonly name = 'AwsSolutions';
  readonly #rules: AwsSolutionsChecks;
  readonly #acknowledged: Acknowledgement[];

  constructor(app: IConstruct, { uploadsPrefix }: { uploadsPrefix: string }) {
    this.#rules = new AwsSolutionsChecks(app);
    this.#acknowledged = acknowledgements(uploadsPrefix);
  }

  validate(context: IPolicyValidationContext): PolicyValidationPluginReport {
    const { violations, ...report } = this.#rules.validate(context);
    const standing = violations
      .map((violation) => ({
        ...violation,
        violatingResources: violation.violatingResources.filter(
          ({ constructPath = '' }) => !this.#isAcknowledged(violation.ruleName, constructPath),
        ),
      }))
      .filter(({ violatingResources }) => violatingResources.length > 0);
    return { ...report, success: standing.length === 0, violations: standing };
  }

  #isAcknowledged(ruleName: string, path: string): boolean {
    return this.#acknowledged.some(({ finding, at }) => finding.test(ruleName) && at.test(path));
  }
}

function acknowledgements(uploadsPrefix: string): Acknowledgement[] {
  return [
    {
      finding: endingIn(ownPrefixes.map((prefix) => `/${prefix}*`)),
      at: /\/(Job|Dispatch|Settle)\/Role\/DefaultPolicy\/Resource$/,
      reason: 'Objects below one named prefix of the results bucket: their keys are those of uploads to come.',
    },
    {
      finding: endingIn([`/${uploadsPrefix}*`]),
      at: /\/Job\/Role\/DefaultPolicy\/Resource$/,
      reason: 'The worker reads every upload below the prefix, and only reads: no key can be known beforehand.',
    },
    {
      finding: /^AwsSolutions-IAM5\[Resource::arn:[^*]+:batch:[^*]+:job-definition\/[A-Za-z0-9_-]+:\*\]$/,
      at: /\/(Dispatch|Settle)\/Role\/DefaultPolicy\/Resource$/,
      reason:
        'Every revision of one named job definition: a function still runs with the last one while a new one comes.',
    },
  ];
}

function endingIn(suffixes: string[]): RegExp {
  const escaped = suffixes.map((suffix) => suffix.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^AwsSolutions-IAM5\\[Resource::[^*]+(${escaped.join('|')})\\]$`);
}
