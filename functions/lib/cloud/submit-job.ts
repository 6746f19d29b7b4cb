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
