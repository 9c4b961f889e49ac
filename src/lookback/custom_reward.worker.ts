// Runs users' reward functions in a Worker of their own, one call after another, so that a call that takes too long can
// be ended from outside.

import type { RewardCall, RewardMessage } from './custom_reward';
import { prepareSandbox, runCustomReward } from './reward_sandbox';

function post(message: RewardMessage): void {
  self.postMessage(message);
}

self.onmessage = async ({ data }: MessageEvent<RewardCall>) => {
  post(await runCustomReward(data.source, data.sample, data.limitMs));
};

await prepareSandbox();
post('ready');
