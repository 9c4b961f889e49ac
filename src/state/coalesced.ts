// Lets work that is asked for while it runs run once more afterwards, however often it was asked for.

/** One at a time, and once more when asked again meanwhile: for lists that change faster than they are read. */
export function coalesced(work: () => Promise<void>): () => Promise<void> {
  let running: Promise<void> | null = null;
  let again = false;
  const loop = async () => {
    do {
      again = false;
      await work();
    } while (again);
    running = null;
  };
  return () => {
    again = true;
    running ??= loop();
    return running;
  };
}
