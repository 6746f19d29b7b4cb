/** A job over one manifest. */
export interface Job {
  manifestKey: string;
  /** The manifest's version where its store keeps versions: it can be read even when somebody deleted it. */
  manifestVersion?: string | undefined;
  /** sha256 of the manifest, hex. */
  hash: string;
  shares: number;
}

/** Starts a job over a manifest; as many children as it has shares. */
export type SubmitJob = (job: Job) => Promise<void>;

/** What a queue says of a job that it was given. */
export interface JobStatus {
  id: string;
  /** In Batch's words: SUBMITTED, PENDING, RUNNABLE, STARTING, RUNNING, SUCCEEDED, FAILED. */
  status: string;
  reason?: string | undefined;
  attempts: number;
  logStream?: string | undefined;
}
