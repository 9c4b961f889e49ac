// Runs users' reward functions in a worker thread of Node. The thread starts the command's own bundle again, which then
// calls {@link serveRewards} in place of the command.

import { pathToFileURL } from 'node:url';
import { parentPort, Worker } from 'node:worker_threads';
import { type OpenRewardWorker, type RewardCall, rewardWorkerOver } from '../src/lookback/custom_reward';
import { prepareSandbox, runCustomReward } from '../src/lookback/reward_sandbox';

/** Bounds of the thread's own heap, in MB: the interpreter's memory lies in it. */
const HEAP_MB = 512;

/** Starts a worker thread of this command. */
export const openNodeRewardWorker: OpenRewardWorker = () =>
  rewardWorkerOver((said, failed) => {
    const worker = new Worker(pathToFileURL(process.argv[1] ?? ''), {
      resourceLimits: { maxOldGenerationSizeMb: HEAP_MB },
    });
    worker.on('message', said);
    worker.on('error', ({ message }) => failed(message));
    return {
      post: (call) => worker.postMessage(call),
      terminate: () => void worker.terminate(),
    };
  });

/** Answers calls until the thread is ended. */
export async function serveRewards(): Promise<void> {
  const port = parentPort;
  if (port === null) return;
  port.on('message', async ({ source, sample, limitMs }: RewardCall) => {
    port.postMessage(await runCustomReward(source, sample, limitMs));
  });
  await prepareSandbox();
  port.postMessage('ready');
}
