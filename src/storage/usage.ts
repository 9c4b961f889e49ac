// Asks the browser how much the page keeps on this device, and for the promise not to clear it on its own. Asking
// never fails; an absent interface counts as nothing promised and nothing known.

import { estimate } from './quota';

/** Totals of this origin. */
export interface StorageTotals {
  /** The browser's figure, all of the origin's storage together; rough by design. */
  readonly usedBytes: number;
  readonly quotaBytes: number;
  /** True once the browser promised not to clear it on its own. */
  readonly persisted: boolean;
}

/** Totals of this origin; zeros where the browser gives none. */
export async function storageTotals(): Promise<StorageTotals> {
  const { usage, quota } = await estimate();
  const storage = (globalThis.navigator as Navigator | undefined)?.storage;
  const persisted = (await storage?.persisted?.().catch(() => false)) ?? false;
  return { usedBytes: usage, quotaBytes: quota, persisted };
}

/**
 * Asks the browser not to clear this origin on its own; some ask the user, so do it when something worth keeping is
 * saved. In a Worker some browsers only answer whether they already promised.
 * @returns whether it is promised
 */
export async function askToPersist(): Promise<boolean> {
  const storage = (globalThis.navigator as Navigator | undefined)?.storage;
  if (await storage?.persisted?.().catch(() => false)) return true;
  return (await storage?.persist?.().catch(() => false)) ?? false;
}
