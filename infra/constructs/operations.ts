import { Duration } from 'aws-cdk-lib';
import { CfnBudget } from 'aws-cdk-lib/aws-budgets';
import {
  Alarm,
  ComparisonOperator,
  Dashboard,
  GraphWidget,
  type IAlarm,
  type IMetric,
  MathExpression,
  Metric,
  TreatMissingData,
} from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import { Rule } from 'aws-cdk-lib/aws-events';
import { SnsTopic } from 'aws-cdk-lib/aws-events-targets';
import type { IBucket } from 'aws-cdk-lib/aws-s3';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { EmailSubscription } from 'aws-cdk-lib/aws-sns-subscriptions';
import type { Queue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { bucketLayout } from '../../functions/lib/contracts/keys.ts';
import { sendEvents } from './buckets.ts';
import type { Ingest } from './ingest.ts';
import type { Settlement } from './settlement.ts';

export interface OperationsProps {
  readonly ingest: Ingest;
  readonly settlement: Settlement;
  readonly results: IBucket;
  readonly jobQueueArn: string;
  /** Hears of every alarm. Default: nobody does, until somebody subscribes to the topic. */
  readonly alarmEmail?: string;
  readonly silentHours: number;
}

const fiveMinutes = Duration.minutes(5);

/** Alarms, the topic that hears of them, and a dashboard. RUNBOOK.md has a section for each alarm, under its name. */
export class Operations extends Construct {
  readonly topic: Topic;
  readonly alarms: IAlarm[] = [];

  constructor(scope: Construct, id: string, props: OperationsProps) {
    super(scope, id);
    this.topic = new Topic(this, 'Alarms', { enforceSSL: true });
    if (props.alarmEmail) this.topic.addSubscription(new EmailSubscription(props.alarmEmail));
    const { ingest, settlement } = props;

    this.#alarm('PoisonMessages', 'Messages that dispatch gave up on', messagesIn(ingest.poison));
    this.#alarm('UndeliveredEvents', 'Uploads whose events never reached the queue', messagesIn(ingest.undelivered));
    this.#alarm('UndeliveredFailures', 'Failed jobs that were not settled', messagesIn(settlement.undelivered));
    const oldest = ingest.queue.metricApproximateAgeOfOldestMessage({ period: fiveMinutes, statistic: 'max' });
    this.#alarm('OldestMessage', 'Uploads wait longer than 15 minutes to be dispatched', oldest, { above: 15 * 60 });
    const failed = matchesOf(settlement.failedRule, fiveMinutes);
    this.#alarm('FailedJobs', 'Jobs failed for good; settle writes their records', failed);

    const blocked = new Rule(this, 'QueueBlockedRule', {
      description: 'The first job of the queue cannot start, and blocks the others',
      eventPattern: {
        source: ['aws.batch'],
        detailType: ['Batch Job Queue Blocked'],
        resources: [props.jobQueueArn],
      },
      targets: [new SnsTopic(this.topic)],
    });
    this.#alarm('QueueBlocked', 'The first job of the queue cannot start', matchesOf(blocked, fiveMinutes));

    sendEvents(props.results);
    const committed = new Rule(this, 'RecordsRule', {
      description: 'Records that were committed, counted for the alarm of silence',
      eventPattern: {
        source: ['aws.s3'],
        detailType: ['Object Created'],
        detail: { bucket: { name: [props.results.bucketName] }, object: { key: [{ prefix: bucketLayout.records }] } },
      },
    });
    const hours = Duration.hours(props.silentHours);
    const silence = new MathExpression({
      expression: 'IF(FILL(uploads, 0) > 0 AND FILL(records, 0) < 1, 1, 0)',
      usingMetrics: { uploads: matchesOf(ingest.rule, hours), records: matchesOf(committed, hours) },
      period: hours,
      label: 'uploads and no record',
    });
    this.#alarm('NoRecords', `Uploads came, and no record for ${props.silentHours} hours`, silence);

    const records = matchesOf(committed, fiveMinutes);
    const dashboard = new Dashboard(this, 'Dashboard', { defaultInterval: Duration.days(1) });
    dashboard.addWidgets(
      graph('Uploads and records', [matchesOf(ingest.rule, fiveMinutes), records]),
      graph('Waiting to be dispatched', [ingest.queue.metricApproximateNumberOfMessagesVisible()], [oldest]),
      graph('Failed for good', [
        failed,
        ...[ingest.poison, ingest.undelivered, settlement.undelivered].map(messagesIn),
      ]),
    );
    const functions = [ingest.dispatch.function, settlement.settle.function];
    dashboard.addWidgets(
      graph(
        'Functions: errors',
        functions.map((each) => each.metricErrors()),
      ),
      graph(
        'Functions: longest run',
        functions.map((each) => each.metricDuration({ statistic: 'max' })),
      ),
    );
  }

  #alarm(id: string, alarmDescription: string, metric: IMetric, { above = 0 } = {}): void {
    const alarm = new Alarm(this, id, {
      alarmDescription: `${alarmDescription}. See RUNBOOK.md, ${id}.`,
      metric,
      threshold: above,
      comparisonOperator: ComparisonOperator.GREATER_THAN_THRESHOLD,
      evaluationPeriods: 1,
      treatMissingData: TreatMissingData.NOT_BREACHING,
    });
    alarm.addAlarmAction(new SnsAction(this.topic));
    this.alarms.push(alarm);
  }
}

/** Mails at 80 % spent, and where 100 % of the month's sum are forecast, of what carries this app's cost tag. */
export function budget(
  scope: Construct,
  id: string,
  { dollars, email }: { dollars: number; email: string },
): CfnBudget {
  const notify = (notificationType: string, threshold: number) => ({
    notification: { notificationType, threshold, thresholdType: 'PERCENTAGE', comparisonOperator: 'GREATER_THAN' },
    subscribers: [{ subscriptionType: 'EMAIL', address: email }],
  });
  return new CfnBudget(scope, id, {
    budget: {
      budgetType: 'COST',
      timeUnit: 'MONTHLY',
      budgetLimit: { amount: dollars, unit: 'USD' },
      costFilters: { TagKeyValue: ['user:project$iqpir-restore'] },
    },
    notificationsWithSubscribers: [notify('ACTUAL', 80), notify('FORECASTED', 100)],
  });
}

function messagesIn(queue: Queue): IMetric {
  return queue.metricApproximateNumberOfMessagesVisible({ period: fiveMinutes, statistic: 'max' });
}

/** How often a rule's pattern matched. */
function matchesOf(rule: Rule, period: Duration): Metric {
  return new Metric({
    namespace: 'AWS/Events',
    metricName: 'TriggeredRules',
    dimensionsMap: { RuleName: rule.ruleName },
    statistic: 'sum',
    period,
  });
}

function graph(title: string, left: IMetric[], right: IMetric[] = []): GraphWidget {
  return new GraphWidget({ title, left, right, width: 8 });
}
