// Tells the other tabs of this origin that something stored has changed, so that they fetch their lists again. A
// notice carries no data; it reaches every other tab and never its sender.

/** What is to be fetched again. */
export type ChangedStore =
  | 'adapters'
  | 'runs'
  | 'datasets'
  | 'models'
  | 'coldStarts'
  | 'evaluations'
  | 'traces';

const STORES: readonly unknown[] = [
  'adapters',
  'runs',
  'datasets',
  'models',
  'coldStarts',
  'evaluations',
  'traces',
] satisfies ChangedStore[];

/** One end of the channel. */
export interface StoreChannel {
  /** Tells the others; call after the transaction is done. */
  post(store: ChangedStore): void;
  close(): void;
}

/** Opens this tab's end. Other words on the channel, as of another version of the page, are ignored. */
export function openStoreChannel(
  onChange: (store: ChangedStore) => void,
  name = 'look-back-store',
): StoreChannel {
  const channel = new BroadcastChannel(name);
  channel.onmessage = ({ data }: MessageEvent<unknown>) => {
    if (STORES.includes(data)) onChange(data as ChangedStore);
  };
  return {
    post: (store) => channel.postMessage(store),
    close: () => channel.close(),
  };
}
