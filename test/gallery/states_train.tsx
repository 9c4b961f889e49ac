// The states of the Train page: plans that can and cannot begin, runs in each of their states, curves, answers, groups.

import { createTrain } from '../../src/state/train';
import { PRESETS } from '../../src/state/train_presets';
import { TrainPage } from '../../src/ui/train/train_page';
import type { RunSummary } from '../../src/worker/protocol/training';
import {
  adapterOf,
  datasetOf,
  detailOf,
  ESTIMATE,
  evaluated,
  GROUP,
  HandTrainer,
  runOf,
  settled,
  statusOf,
  stepped,
} from '../state/train_script';
import { shelf } from '../ui/page_state';
import { drawnPicture, type GalleryState, present, press } from './gallery_state';

const STEPS = 40;

/** Curves with noise, as a run of GRPO reports them; they rise over `pace` steps. */
function valuesOf(step: number, pace = 15): Record<string, number> {
  const wave = Math.sin(step * 1.7 + pace) / 12;
  const rising = 1 - Math.exp(-step / pace) + wave;
  return {
    ...{
      loss: 0.02 * wave,
      grad_norm: 0.4 + wave,
      learning_rate: 1e-4,
      reward: rising,
      reward_std: 0.3 + wave,
    },
    ...{
      'rewards/accuracy/mean': rising,
      'rewards/format/mean': rising / 2,
      kl: step / 4000,
      entropy: 1 - rising / 2,
    },
    ...{
      'completions/mean_length': 40 + 20 * wave,
      'completions/clipped_ratio': 0.05,
      frac_reward_zero_std: 0.2,
    },
    ...{ step_time: 1.5, num_tokens: step * 900 },
  };
}

interface Scene {
  readonly client?: Partial<HandTrainer>;
  readonly run?: RunSummary | null;
  readonly steps?: number;
  act?(client: HandTrainer, train: ReturnType<typeof createTrain>): Promise<unknown>;
}

function state(name: string, { client: change, run = null, steps = 0, act }: Scene): GalleryState {
  const make = async () => {
    const stored = { datasets: [datasetOf('d1', 40, 12)], adapters: [adapterOf('mine')] };
    const runs = run === null ? [] : [run];
    const client = Object.assign(new HandTrainer(), { ...stored, runs }, change);
    const made = await shelf(stored);
    const train = createTrain(client);
    const draw = () => <TrainPage train={train} library={made.library} />;
    const after = async () => {
      const metrics = Array.from({ length: steps }, (_, at) => ({ step: at + 1, values: valuesOf(at + 1) }));
      // The page reads the run that it shows, once it has listed them.
      while (client.runs.length > 0 && !client.calls.some((call) => call.startsWith('readRun')))
        await settled();
      for (const summary of client.runs) {
        await client.resolve(`readRun ${summary.id}`, {
          summary,
          metrics,
          samples: [],
          groups: null,
          groupSteps: [],
        });
      }
      await act?.(client, train);
    };
    return { ...made, draw, after };
  };
  return { name: `train/${name}`, page: 'train', make };
}

const running = (change: Partial<RunSummary> = {}) =>
  runOf('r1', { state: 'running', step: STEPS, ...change });

/** Runs like the one before, each set otherwise in something. */
function siblings(): RunSummary[] {
  const { plan } = runOf('r1');
  const { optim, grpo } = plan;
  const plans = [
    plan,
    { ...plan, optim: { ...optim, learningRate: 5e-4 } },
    { ...plan, name: 'Long answers', grpo: { ...grpo, maxCompletionLength: 96, temperature: 0.8 } },
    {
      ...plan,
      maxSteps: 60,
      lora: { ...plan.lora, r: 32, loraAlpha: 64 },
      seed: 11,
      tokensPerMicroBatch: 512,
    },
    { ...plan, name: 'No format reward, which is a long name for a run' },
  ];
  return plans.map((own, i) => runOf(`r${9 - i}`, { plan: own, state: 'finished', step: 20 + 8 * i }));
}

/** Compares runs, each with as many steps as it has. */
async function compared(client: HandTrainer, train: ReturnType<typeof createTrain>): Promise<void> {
  for (const [i, summary] of client.runs.entries()) {
    train.compare.toggle(summary.id);
    const metrics = Array.from({ length: summary.step }, (_, at) => ({
      step: at + 1,
      values: valuesOf(at + 1, 8 + 7 * i),
    }));
    await client.resolve(`readRun ${summary.id}`, { ...detailOf(summary), metrics });
  }
}

/** The states. */
export const TRAIN_STATES: readonly GalleryState[] = [
  state('empty', {}),
  state('sft-plan', { act: async (_, train) => train.plan.copyPlan(PRESETS['sft-quick']) }),
  state('wrong-plan', {
    act: async (_, train) => {
      train.plan.setField('maxSteps', -1);
      train.plan.setField('optim.learningRate', Number.NaN);
    },
  }),
  state('too-large', {
    client: {
      estimate: { ...ESTIMATE, fits: false, bytes: 9e9, advice: 'Halve the tokens per micro-batch.' },
    },
  }),
  state('no-estimate', { client: { estimate: { code: 'gpu/limit', message: 'Too many rows.' } } }),
  state('running', {
    ...{ run: running(), steps: STEPS },
    act: async (client) => {
      client.emit(statusOf('r1', 'running', STEPS, { fraction: 0.4 }));
      client.emit(stepped('r1', STEPS + 1, valuesOf(STEPS + 1)));
    },
  }),
  state('answers', {
    ...{ run: running(), steps: STEPS },
    act: async (client) => {
      client.emit(evaluated('r1', 10, [true, false]), evaluated('r1', 20, [true, true]));
      const image = await drawnPicture();
      const groups = [
        { ...GROUP, image },
        { ...GROUP, dropped: 'uniform' as const },
      ];
      client.emit({ type: 'groupsSampled', runId: 'r1', step: 20, groups });
    },
  }),
  state('lengths', {
    ...{ run: running(), steps: STEPS },
    act: async (client) => {
      const [answer] = GROUP.completions;
      if (answer === undefined) return;
      const completions = Array.from({ length: 64 }, (_, i) => {
        const tokens = Math.min(122, Math.round(30 + 40 * Math.abs(Math.sin(i * i)) + (i % 7) * 12));
        return { ...answer, tokens, correct: Math.cos(i * 3) > 0.1, truncated: tokens === 122 };
      });
      const groups = [0, 16, 32, 48].map((from) => ({
        ...GROUP,
        completions: completions.slice(from, from + 16),
      }));
      client.emit(
        { type: 'groupsSampled', runId: 'r1', step: 19, groups },
        { type: 'groupsSampled', runId: 'r1', step: 20, groups },
      );
      await press('[data-testid="group"] summary');
    },
  }),
  state('paused', { run: runOf('r1', { state: 'paused' }), steps: 4 }),
  state('interrupted', {
    run: runOf('r1', { reason: { code: 'train/interrupted', message: 'The tab was closed.' } }),
    steps: 4,
  }),
  state('not-finite', {
    run: runOf('r1', { reason: { code: 'train/not-finite', message: 'Step 5: the loss is NaN.' } }),
    steps: 4,
  }),
  state('failed', {
    run: runOf('r1', {
      state: 'failed',
      reason: { code: 'reward/time', message: 'Line 3: it took too long.' },
    }),
    steps: 4,
  }),
  state('notes', {
    run: runOf('r1', { notes: 'Half the learning rate.\nLearns slower, but the looks stay full.' }),
    steps: 4,
    act: async (client, train) => {
      await press('[data-testid="run-notes"] summary');
      const [run] = client.runs;
      if (run !== undefined) train.notes.write(run, `${run.notes} Try r 16.`);
      void train.notes.flush();
      await client.reject('noteRun', { code: 'storage/full', message: 'There is no room for the run.' });
    },
  }),
  state('finished', { run: runOf('r1', { state: 'finished', step: 20, adapterId: 'mine' }), steps: 20 }),
  state('refused', {
    run: runOf('r1'),
    steps: 4,
    act: async (client, train) => {
      void train.control.resume('r1');
      await client.reject('resumeTraining', { code: 'train/busy', message: 'A run is training.' });
    },
  }),
  state('compared', {
    ...{ client: { runs: siblings() }, steps: 20 },
    act: async (client, train) => {
      await compared(client, train);
      const smooth = (await present('[data-testid="smooth"]')) as HTMLSelectElement;
      smooth.value = '5';
      smooth.dispatchEvent(new Event('change', { bubbles: true }));
      await press('[data-testid="compared-settings"] summary');
      const step = (await present('[data-testid="read-at"]')) as HTMLInputElement;
      step.value = '18';
      step.dispatchEvent(new Event('input', { bubbles: true }));
      await settled();
    },
  }),
  state('delete-run', {
    run: runOf('r1', { state: 'finished', step: 20 }),
    steps: 20,
    act: () => press('[data-testid="run-delete"]'),
  }),
];
