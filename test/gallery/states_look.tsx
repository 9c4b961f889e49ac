// The states of the Look page: before the model, asking, answers in each of their ends, replays, comparisons, dialogs.

import { createAnswerParser } from '../../src/answer/answer_grammar';
import type { AttentionShares, Segment } from '../../src/worker/protocol/answers';
import type { EngineEvent } from '../../src/worker/protocol/messages';
import { LOADED_MODEL, resultOf, script, token } from '../state/engine_script';
import { adapterOf, settled, statusOf } from '../state/train_script';
import { bare, shelf } from '../ui/page_state';
import { drawnPicture, type GalleryState, present, press, REAL_PICTURES } from './gallery_state';

const DEVICE = {
  ...{ description: 'SwiftShader', vendor: 'google', architecture: 'swiftshader', software: true },
  shaderF16: false,
};

const MINE = adapterOf('mine', { name: 'Mine' });

type Made = Awaited<ReturnType<typeof shelf>>;
type Act = (made: Made) => Promise<unknown>;

function state(
  name: string,
  act: Act,
  made: () => Promise<Made> = () => shelf({}, REAL_PICTURES),
): GalleryState {
  const make = async () => {
    const parts = await made();
    return { ...parts, after: async () => void (await act(parts)) };
  };
  return { name: `look/${name}`, page: 'look', make };
}

/** Chooses a picture and a question, and asks it. */
async function ask({ look, engine }: Made): Promise<void> {
  await look.choosePictures([{ name: 'squares.png', source: drawnPicture() }]);
  look.setQuestion('Count the red squares. How many?');
  void look.ask();
  await settled();
  engine.emit({ type: 'stateChanged', state: 'generating' });
}

/** Asks, and plays the first `count` events of the scripted answer. */
async function answered(made: Made, count = Number.POSITIVE_INFINITY): Promise<void> {
  await ask(made);
  made.engine.emit(...script().slice(0, count));
  if (count >= script().length) made.engine.emit({ type: 'stateChanged', state: 'ready' });
}

const SHARES: AttentionShares = { image: 0.3, query: 0.3, generated: 0.4 };

const wordOf = (step: number): string => (step % 25 === 24 ? ' thought.\n' : ' word');

/** The segments of a text, as the engine tells them. */
function segmentsOf(text: string): Segment[] {
  const parser = createAnswerParser();
  parser.push(text);
  return parser.segments.map(({ text: _, ...segment }) => ({ ...segment, tokenStart: 0, tokenEnd: 0 }));
}

/** An answer of many tokens, longer than its panel. */
function longAnswer(): EngineEvent[] {
  const steps = Array.from({ length: 400 }, (_, step) => step);
  const map = new Float32Array(9).fill(1 / 30);
  return [
    ...script().slice(0, 1),
    ...steps.map((step) =>
      token(
        step,
        wordOf(step),
        segmentsOf(
          steps
            .slice(0, step + 1)
            .map(wordOf)
            .join(''),
        ),
      ),
    ),
    ...steps.map((step) => ({ type: 'attentionRecorded', step, shares: SHARES, map }) as const),
  ];
}

async function compared(made: Made): Promise<void> {
  made.look.chooseAdapter(MINE);
  made.look.setComparing(true);
  await ask(made);
  for (const answer of ['2', '3']) {
    made.engine.emit(...script().slice(0, -1));
    const { segments } = script().at(-1) as Extract<EngineEvent, { type: 'generationFinished' }>;
    made.engine.emit({ type: 'generationFinished', segments, result: resultOf('two', answer) });
    await made.engine.resolve('generate', resultOf('two', answer));
  }
  await present('.compare-panel');
}

async function recorded({ look }: Made): Promise<void> {
  const file = await fetch('./traces/first.trace.json');
  await look.openTrace(file.blob(), 'The recording', 'whole');
  await present('.player *');
}

/** The states. */
export const LOOK_STATES: readonly GalleryState[] = [
  state(
    'start',
    async () => undefined,
    async () => bare(REAL_PICTURES),
  ),
  state(
    'loading',
    async ({ look, engine }) => {
      void look.start();
      await engine.resolve('start');
      await engine.resolve('listModels', [LOADED_MODEL.entry]);
      engine.emit({ type: 'stateChanged', state: 'loading' });
      engine.emit({ type: 'deviceReady', device: DEVICE });
      engine.emit({ type: 'loadProgressed', phase: 'download', loaded: 2e6, total: 5e6 });
    },
    async () => bare(REAL_PICTURES),
  ),
  state('no-adapter', async ({ engine }) => {
    const error = { code: 'gpu/no-adapter', message: 'No adapter.' } as const;
    engine.emit({ type: 'failed', error }, { type: 'stateChanged', state: 'failed' });
  }),
  state('ready', async () => undefined),
  state('picture', async ({ look }) => {
    await look.choosePictures([{ name: 'squares.png', source: drawnPicture() }]);
  }),
  state('picture-refused', async ({ look }) => {
    await look.choosePictures([{ name: 'notes.txt', source: new Blob(['no picture']) }]);
  }),
  state('waiting', ask),
  state('running', (made) => answered(made, 16)),
  state('finished', (made) => answered(made)),
  state('selected', async (made) => {
    await answered(made);
    made.look.pin(6);
  }),
  state('long', async (made) => {
    await ask(made);
    made.engine.emit(...longAnswer());
  }),
  state('table', async (made) => {
    await answered(made);
    for (const one of document.querySelectorAll('details')) one.open = true;
  }),
  state('earlier', async (made) => {
    await answered(made);
    made.look.setQuestion('Something else?');
  }),
  state('device-lost', async (made) => {
    await answered(made, 12);
    made.engine.emit({ type: 'deviceLost', message: 'It was reset.', recovering: true });
  }),
  state('device-restored', async (made) => {
    await answered(made, 12);
    made.engine.emit({ type: 'deviceLost', message: 'It was reset.', recovering: true });
    made.engine.emit({ type: 'deviceRestored', device: DEVICE });
  }),
  state('crashed', async (made) => {
    await answered(made, 12);
    const error = { code: 'worker/crashed', message: 'Out of memory.' } as const;
    made.engine.emit({ type: 'failed', error }, { type: 'stateChanged', state: 'failed' });
  }),
  state('training', async (made) => {
    made.engine.emit(statusOf('r1', 'running', 3));
    await answered(made);
  }),
  state('doubt', async ({ engine }) => {
    engine.emit({
      type: 'modelLoaded',
      model: { ...LOADED_MODEL, doubt: 'Its weights may be damaged: fetch them again.' },
    });
  }),
  state('recorded', recorded),
  state('compared', compared, () => shelf({ adapters: [MINE] }, REAL_PICTURES)),
  state('composer', async () => {
    await press('[data-testid="compose"]');
    await present('dialog[open]');
  }),
  state('share', async (made) => {
    await answered(made);
    await press('[data-testid="share"]');
    await present('dialog[open]');
  }),
];
