import { describe, expect, it } from 'vitest';
import { awsLayout } from '../../../../functions/lib/contracts/keys.ts';
import { belowPrefix, findPlaces, required } from '../../../../functions/local/aws/places.ts';

const outputs = {
  UploadsBucket: 'uploads-of-stack',
  UploadsPrefix: 'in/',
  ResultsBucket: 'results-of-stack',
  JobQueue: 'arn:queue',
  JobDefinition: 'arn:definition:3',
  Queue: 'https://sqs/queue',
  PoisonQueue: 'https://sqs/dead',
  UndeliveredQueue: 'https://sqs/undelivered',
  UndeliveredFailuresQueue: 'https://sqs/failures',
  Settings: '{}',
};
const stack = async () => outputs;
const noStack = () => Promise.reject(new Error('nobody named a stack'));

describe('findPlaces', () => {
  it('reads them from the stack, and takes an option before it', async () => {
    const places = await findPlaces({ stack: 'S', bucket: 'mine' }, stack);
    expect(places).toMatchObject({ bucket: 'mine', results: 'results-of-stack', queue: 'arn:queue' });
    expect(places.layout.uploads).toBe('in/');
  });

  it('asks no stack where none is named', async () => {
    expect(await findPlaces({ bucket: 'mine' }, noStack)).toMatchObject({ bucket: 'mine', layout: awsLayout('') });
  });

  it('says which option is missing', async () => {
    const places = await findPlaces({ bucket: 'mine' }, noStack);
    expect(() => required(places, 'results')).toThrow('--results BUCKET, or --stack');
  });

  it('refuses an uploads prefix that the pipeline could not have', async () => {
    await expect(findPlaces({ uploadsPrefix: 'in' }, noStack)).rejects.toMatchObject({ fault: 'config' });
  });
});

describe('belowPrefix', () => {
  it('is what the filter adds to the uploads prefix', () => {
    expect(belowPrefix(awsLayout('in/'), 'in/2025')).toBe('2025');
    expect(belowPrefix(awsLayout('in/'), undefined)).toBe('');
    expect(() => belowPrefix(awsLayout('in/'), '2025/')).toThrow('in/');
  });
});
