import { expect, test } from 'vitest';
import { rowColumns } from '../../functions/lib/contracts/row.ts';
import { resourceNamed, resourcesOf, templatesOf } from '../support/app-templates.ts';

const { pipeline } = templatesOf();
const table = resourceNamed(pipeline, 'AWS::Glue::Table', /./).Properties.TableInput as {
  Name: string;
  Parameters: Record<string, unknown>;
  PartitionKeys: unknown;
  StorageDescriptor: { Columns: { Name: string; Type: string }[]; SerdeInfo: unknown };
};

test('the table’s columns are the rows’ own', () => {
  const columns = table.StorageDescriptor.Columns.map(({ Name, Type }) => [Name, Type]);
  expect(Object.fromEntries(columns)).toEqual(rowColumns);
});

test('partitions are calculated from the day, so that no crawler runs', () => {
  expect(table.PartitionKeys).toEqual([{ Name: 'date', Type: 'string' }]);
  expect(table.Parameters).toMatchObject({
    'projection.enabled': 'true',
    'projection.date.type': 'date',
    'projection.date.format': 'yyyy-MM-dd',
  });
  expect(JSON.stringify(table.Parameters['storage.location.template'])).toMatch(/\/rows\/date=\$\{date\}\//);
  pipeline.resourceCountIs('AWS::Glue::Crawler', 0);
});

test('queries are encrypted, counted, and stopped where they read too much', () => {
  expect(resourceNamed(pipeline, 'AWS::Athena::WorkGroup', /./).Properties.WorkGroupConfiguration).toMatchObject({
    EnforceWorkGroupConfiguration: true,
    BytesScannedCutoffPerQuery: 100 * 1024 ** 3,
    ResultConfiguration: { EncryptionConfiguration: { EncryptionOption: 'SSE_S3' } },
  });
});

test('saved queries name the table and no column that it lacks', () => {
  const saved = Object.values(resourcesOf(pipeline, 'AWS::Athena::NamedQuery')).map(({ Properties }) => Properties);
  expect(saved.map(({ Name }) => Name)).toEqual(
    expect.arrayContaining([
      'Gain by day',
      'Failures by code',
      'Slowest',
      'Most worsened',
      'Status by day',
      'Worst faces',
    ]),
  );
  const known = new Set([...Object.keys(rowColumns), 'date', 'current_date', table.Name]);
  for (const { QueryString } of saved) {
    const sql = String(QueryString);
    const aliases = [...sql.matchAll(/\bAS (\w+)/g)].map(([, alias]) => alias);
    const words = sql.replace(/'[^']*'/g, '').match(/\b[a-z_]+\b(?!\()/g) ?? [];
    expect(words.filter((word) => !known.has(word) && !aliases.includes(word))).toEqual([]);
    expect(sql).toContain(`FROM ${table.Name}`);
  }
});
