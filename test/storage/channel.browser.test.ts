// The notice to other tabs: heard by the others, not by the sender, and no foreign words.
import { expect, it } from 'vitest';
import { type ChangedStore, openStoreChannel } from '../../src/storage/channel';

it('reaches every other end, and passes over words that it does not know', async () => {
  const name = `test-channel-${Date.now()}`;
  const heard: Record<string, ChangedStore[]> = { sender: [], other: [] };
  let done = (): void => undefined;
  const finished = new Promise<void>((resolve) => {
    done = resolve;
  });
  const sender = openStoreChannel((store) => heard.sender?.push(store), name);
  const other = openStoreChannel((store) => heard.other?.push(store), name);
  const last = openStoreChannel((store) => store === 'runs' && done(), name);
  const foreign = new BroadcastChannel(name);
  foreign.postMessage('something else');
  foreign.postMessage({ store: 'adapters' });
  sender.post('adapters');
  sender.post('datasets');
  sender.post('runs');
  await finished;
  expect(heard).toEqual({ sender: [], other: ['adapters', 'datasets', 'runs'] });
  for (const end of [sender, other, last, foreign]) end.close();
});
