// Holds every sentence of the Cold start page. Rules are stated with the numbers by which the engine goes.

import { formatBytes } from '../../lib/format';
import type { ColdStartNews } from '../../state/cold_start';
import type { ColdStartPlan, ColdStartView, ColdStartWork } from '../../worker/protocol/cold_start';
import { pageName } from '../controls';
import { counted } from '../data/data_copy';

const percent = (share: number): string => `${Math.round(100 * share)} %`;

/** Fixed texts. */
export const COLD_START_COPY = {
  title: 'Cold start',
  back: 'Data',
  about:
    'Builds the first training set of the method: the model’s own chains of thought, with a look back at the picture put into some of them. Each stage is kept in this browser as it ends, so that a closed page goes on where it was.',
  begin: {
    title: 'What to ask',
    model: (label: string) => `The model that is loaded answers: ${label}.`,
    noModel: 'Load a model first: its own answers are what the set is made of.',
    start: 'Start asking',
  },
  states: {
    asking: 'The model is being asked.',
    answered: 'Every question is answered.',
    paused: 'Paused. What was answered is kept; it goes on from there.',
    failed: 'What was kept before is still there, and the stages below can be gone on with.',
    again: 'Look again',
    elsewhere:
      'Another tab of this page is at work on this cold start. What it has is shown here; it can be changed there.',
    wrongModel: (id: string) => `Its answers are from the model “${id}”. Load that model to ask for more.`,
  },
  plan: (
    { source, count, rollouts, seed }: ColdStartPlan,
    modelId: string,
    pictureWords: string,
    bytes: number,
  ) =>
    `${modelId}, ${counted(count, 'question')} from ${source.kind === 'dataset' ? `“${source.name}”` : `the built-in world (${pictureWords.toLowerCase()})`}, ${counted(rollouts, 'answer')} each, seed ${seed}; ${formatBytes(bytes)} on this device.`,
  discard: 'Discard and start over',
  discardTitle: 'Discard this cold start?',
  discardWhat: 'Its answers and looks are deleted. Datasets that were saved from it stay.',
  discardYes: 'Discard',
  examples: 'Examples',
  expected: (answer: string) => `right answer: ${answer}`,
  rollouts: {
    title: '1. Answers of the model',
    why: 'The model answers every question several times. What is no whole plain chain of thought counts as wrong.',
    done: ({ done, total }: ColdStartView['rollouts']) =>
      `${done.toLocaleString('en')} of ${counted(total, 'question')} answered.`,
    without: (count: number) => `${counted(count, 'question')} without one whole chain.`,
    go: 'Ask the model',
    goOn: 'Go on',
    pause: 'Pause',
    chart: 'Questions by right answers',
    chartWhy:
      'The line is the variance p(1 − p) of a question’s outcomes, by which questions are drawn: most where half of the answers are right.',
    right: 'Right answers',
    problems: 'Questions',
    chosen: 'Chosen',
    none: 'Nothing was asked yet.',
  },
  selection: {
    title: '2. Selection',
    rule: ({ looks, hardShare, wrongFirstShare }: ColdStartPlan) =>
      `${looks === null ? 'All questions' : `At most ${counted(looks, 'question')}`} that the model solves now and then, drawn by the variance of its outcomes p(1 − p); ${percent(hardShare)} of them instead from those with at most a quarter of right answers, each from a wrong thought. The others start from a wrong thought with a chance of ${percent(wrongFirstShare)}. Questions that the picture has nothing to do with never look back.`,
    source:
      'The paper selects by variance and difficulty, in its words, and gives no rule; this one is ours.',
    counts: ({
      nowAndThen,
      alwaysRight,
      neverRight,
      looks,
      wrongFirst,
      plains,
    }: ColdStartView['selection']) =>
      `${nowAndThen} solved now and then, ${alwaysRight} always, ${neverRight} never. ${looks} chosen, ${wrongFirst} of them from a wrong thought; ${plains} more for plain examples.`,
    none: 'No question serves yet: the model solved each of them always or never. Ask about more questions, or harder ones.',
  },
  insertion: {
    title: '3. Looks back',
    why: 'A look is put in behind the thought, or inside it; then the model goes on and answers.',
    counts: ({ written, byHand }: ColdStartView['insertion'], looks: number) =>
      `${written} of ${counted(looks, 'look')} written${byHand > 0 ? `, ${byHand} by you` : ''}.`,
    cutOff: (looks: number) =>
      `${counted(looks, 'look')} did not come to an end within the longest answer and ${looks === 1 ? 'is' : 'are'} left out: write by hand, or begin anew with longer answers.`,
    writers: {
      oracle: 'The built-in world knows its pictures and writes every look at once, without the model.',
      self: 'The model goes on from an open <back>, by the prompt that asks for it.',
      adapter:
        'The model goes on from an open <back> with the adapter that you choose, as one that was trained to look back; the openings stay its own. What each adapter wrote is kept.',
      model:
        'The model that you choose goes on from an open <back>, from the openings of the one that answered. It is loaded for that in place of the loaded one, which comes back afterwards. What each model wrote is kept.',
      file: 'Export the tasks with their pictures, have them answered by a stronger model or by people as lines {"id", "text"}, and import the file.',
      hand: 'Open the chosen chains one by one and write what the look shows.',
    },
    ask: 'Let the model write',
    adapter: 'Adapter that writes',
    noAdapter: 'Choose an adapter',
    gone: (name: string) => `${name} (not here any more)`,
    model: 'Model that writes',
    noModel: 'Choose a model',
    noOther: `There is no other model here: bring one on ${pageName('models')} first.`,
    exchange: {
      there: (name: string) => `Loading ${name}, which is to write…`,
      back: 'Loading the model that was there before…',
    },
    noneFits: 'There is no adapter for this model here: train or import one first.',
    exportTasks: 'Export tasks',
    import: 'Import answers',
    edit: 'Write or correct by hand',
    none: 'No look is written yet.',
  },
  editor: {
    title: (index: number, total: number) => `Look ${index + 1} of ${total}`,
    question: 'Question',
    expected: 'Right answer',
    opening: 'The model wrote',
    text: 'The whole answer',
    textWhy:
      'It has to begin with what the model wrote, then <back> … </back> <think> … </think> \\boxed{…}.',
    keep: 'Keep',
    passes: 'It passes the filter.',
    fails: 'The filter rejects it:',
    notWritten: 'Not written yet.',
    previous: 'Previous look',
    next: 'Next look',
    close: 'Close',
  },
  filter: {
    title: '4. Filter',
    why: 'Every look has to keep these rules; the first answer of a question that does is taken.',
    accepted: (accepted: number, written: number) => `${accepted} of ${written} written looks pass.`,
    rule: 'Rule',
    count: 'Rejected',
    example: 'An example',
    all: 'Nothing was rejected.',
  },
  mix: {
    title: '5. Mix',
    rate: (percent: number) => `Of the examples, ${percent} % look back`,
    counts: ({ looks, plains, wrongFirst }: ColdStartView['mix']) =>
      `${counted(looks + plains, 'example')}: ${looks} look back (${wrongFirst} from a wrong thought), ${plains} are plain chains.`,
    none: 'The mix is empty: no look passed, or every question with a right chain got a look. Limit the questions that get one, or let all examples look back.',
  },
  save: {
    title: '6. Dataset',
    name: 'Name of the dataset',
    suggestion: ({ source, position }: ColdStartPlan) =>
      `Cold start, ${position === 'solution' ? 'Solution-back' : 'Semantic-back'}, ${source.kind === 'dataset' ? source.name : 'built-in world'}`,
    save: 'Save as a dataset',
    export: 'Export as JSONL',
    exportWhy:
      'A zip with pictures, metadata.jsonl and dataset_info.json, as TRL, LLaMA-Factory and this page read them.',
    train: 'Train on it by SFT',
  },
} as const;

/** How far the asking is. */
export function workWords({ done, total, secondsLeft }: ColdStartWork): string {
  const left =
    secondsLeft === null
      ? ''
      : secondsLeft < 90
        ? `, about ${Math.max(1, Math.round(secondsLeft))} s left`
        : `, about ${Math.round(secondsLeft / 60)} min left`;
  return total === 0
    ? 'Making ready…'
    : `${done.toLocaleString('en')} of ${total.toLocaleString('en')} done${left}`;
}

/** Which model is being put on the device. */
export function exchangeWords(exchange: 'there' | 'back', view: ColdStartView | null): string {
  const { there, back } = COLD_START_COPY.insertion.exchange;
  return exchange === 'back' ? back : there(view?.plan.writerModel?.name ?? '');
}

/** What the last command came to, as a sentence. */
export function newsWords(news: ColdStartNews): string {
  if (news.kind === 'deleted') return `The cold start was discarded, which freed ${formatBytes(news.bytes)}.`;
  if (news.kind === 'saved')
    return `“${news.dataset.name}” was saved with ${counted(news.dataset.rows, 'row')}: choose it on ${pageName('train')}.`;
  const unknown =
    news.unknown === 0
      ? ''
      : ` ${counted(news.unknown, 'text')} for other questions ${news.unknown === 1 ? 'was' : 'were'} passed over.`;
  return `${counted(news.taken, 'look')} ${news.taken === 1 ? 'was' : 'were'} imported.${unknown}`;
}
