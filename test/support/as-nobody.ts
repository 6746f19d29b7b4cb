/** Runs work without root's power to read everything. Where this process is no root already, it changes nothing. */
export async function asNobody<T>(work: () => Promise<T>): Promise<T> {
  const { getuid, seteuid } = process;
  if (getuid?.() !== 0 || !seteuid) return await work();
  seteuid(65534);
  try {
    return await work();
  } finally {
    seteuid(0);
  }
}
