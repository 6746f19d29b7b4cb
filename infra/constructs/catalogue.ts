import { Names, RemovalPolicy, Stack } from 'aws-cdk-lib';
import { CfnNamedQuery, CfnWorkGroup } from 'aws-cdk-lib/aws-athena';
import { CfnDatabase, CfnTable } from 'aws-cdk-lib/aws-glue';
import type { IBucket } from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';
import { rowsPrefix } from '../../functions/lib/contracts/keys.ts';
import { rowColumns } from '../../functions/lib/contracts/row.ts';
import { queriesPrefix } from './buckets.ts';
import { savedQueries } from './saved-queries.ts';

export interface CatalogueProps {
  readonly results: IBucket;
}

/** The rows as a table for Athena: a partition for each day of upload, found by calculation, so that no crawler runs. */
export class Catalogue extends Construct {
  readonly database: CfnDatabase;
  readonly workGroup: CfnWorkGroup;

  constructor(scope: Construct, id: string, { results }: CatalogueProps) {
    super(scope, id);
    const { account } = Stack.of(this);
    const name = Names.uniqueResourceName(this, { separator: '_', maxLength: 100 }).toLowerCase();
    this.database = new CfnDatabase(this, 'Database', {
      catalogId: account,
      databaseInput: { name, description: 'Restored photographs, a row each' },
    });
    const table = new CfnTable(this, 'Table', {
      catalogId: account,
      databaseName: name,
      tableInput: {
        name: 'restorations',
        tableType: 'EXTERNAL_TABLE',
        partitionKeys: [{ name: 'date', type: 'string' }],
        parameters: {
          'projection.enabled': 'true',
          'projection.date.type': 'date',
          'projection.date.format': 'yyyy-MM-dd',
          'projection.date.range': '2026-01-01,NOW',
          'projection.date.interval': '1',
          'projection.date.interval.unit': 'DAYS',
          'storage.location.template': `s3://${results.bucketName}/${rowsPrefix}date=\${date}/`,
        },
        storageDescriptor: {
          columns: Object.entries(rowColumns).map(([column, type]) => ({ name: column, type })),
          location: `s3://${results.bucketName}/${rowsPrefix}`,
          inputFormat: 'org.apache.hadoop.mapred.TextInputFormat',
          outputFormat: 'org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat',
          serdeInfo: { serializationLibrary: 'org.openx.data.jsonserde.JsonSerDe' },
        },
      },
    });
    table.node.addDependency(this.database);
    this.workGroup = new CfnWorkGroup(this, 'WorkGroup', {
      name,
      recursiveDeleteOption: true,
      workGroupConfiguration: {
        enforceWorkGroupConfiguration: true,
        publishCloudWatchMetricsEnabled: true,
        // One scan of a year of rows is some GB; a query that reads far more has forgotten its WHERE.
        bytesScannedCutoffPerQuery: 100 * 1024 ** 3,
        resultConfiguration: {
          outputLocation: `s3://${results.bucketName}/${queriesPrefix}`,
          encryptionConfiguration: { encryptionOption: 'SSE_S3' },
        },
      },
    });
    this.workGroup.applyRemovalPolicy(RemovalPolicy.DESTROY);
    for (const [queryId, query] of Object.entries(savedQueries)) {
      const saved = new CfnNamedQuery(this, queryId, {
        name: query.name,
        description: query.description,
        database: name,
        queryString: query.sql,
        workGroup: this.workGroup.name,
      });
      saved.node.addDependency(this.workGroup);
      saved.node.addDependency(this.database);
    }
  }
}
