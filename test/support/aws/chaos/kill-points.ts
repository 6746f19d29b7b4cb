/** Every step of the work on a picture at which a worker is killed, in the order in which they come. */
export const killPoints = [
  'before the manifest is read',
  'after the manifest was read',
  'before the record is looked for',
  'before the source is fetched',
  'while the source is fetched',
  'before it is decoded',
  'while it is assessed',
  'while it is restored',
  'while the candidate is assessed',
  'before the candidate is encoded',
  'before the image is put',
  'after the image was put',
  'before the row is put',
  'after the row was put',
  'before the record is put',
  'after the record was put',
  'before the event is sent',
  'after the event was sent',
] as const;
export type KillPoint = (typeof killPoints)[number];

/** A machine that was taken away is made up for by another attempt; a container out of memory is not. */
export const killCauses = ['host', 'memory'] as const;
export type KillCause = (typeof killCauses)[number];

/** What a worker leaves behind for those who look: which point killed which attempt of which job, and as what. */
export interface Kill {
  point: KillPoint;
  cause: KillCause;
  jobId: string;
  attempt: number;
}
