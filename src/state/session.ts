// Reduces the engine's events to one immutable value: its state, the device, the model, and the current answer. The
// same events give the same session, however they are cut into batches; unknown steps are ignored.

import type { PlainError } from '../lib/plain_error';
import type {
  AttentionShares,
  GenerateRequest,
  GenerateResult,
  PromptFact,
  Segment,
} from '../worker/protocol/answers';
import type { DeviceSummary, EngineState, LoadedModel, LoadPhase } from '../worker/protocol/engine';
import type { EngineEvent } from '../worker/protocol/messages';
import type { RunState, TrainingStatus } from '../worker/protocol/training';

/** One generated token with what is known of it. `start` and `end` are UTF-16 offsets into {@link Answer.text}. */
export interface Step {
  readonly id: number;
  readonly text: string;
  readonly start: number;
  readonly end: number;
  /** Null until the following step has run, or when nothing was recorded. */
  readonly shares: AttentionShares | null;
  readonly map: Float32Array | null;
  readonly atMs: number;
}

/**
 * `interrupted`: the device or the Worker went away; `failed`: the engine refused or broke. Partial text is kept.
 * `replaying`: the beginning of an answer that is finished, as it is played again.
 */
export type AnswerStatus = 'waiting' | 'running' | 'finished' | 'interrupted' | 'failed' | 'replaying';

/** What was asked, without the pictures' bytes. */
export type Asked = Omit<GenerateRequest, 'images'>;

/** One answer, growing while `status` is `waiting` or `running`. */
export interface Answer {
  readonly number: number;
  readonly asked: Asked;
  readonly modelLabel: string;
  /** Name of the adapter that it was asked with; null for the base model. */
  readonly adapterLabel: string | null;
  readonly status: AnswerStatus;
  readonly prompt: PromptFact | null;
  readonly steps: readonly Step[];
  readonly text: string;
  readonly segments: readonly Segment[];
  readonly result: GenerateResult | null;
  readonly error: PlainError | null;
  /** It comes from a trace, and was generated at another time. */
  readonly recorded: boolean;
}

/** Progress of a load: the phase that runs, and bytes or items of it. */
export interface LoadProgress {
  readonly phase: LoadPhase;
  readonly loaded: number;
  readonly total: number;
}

/** Everything the page shows of the engine. */
export interface Session {
  readonly engine: EngineState;
  readonly device: DeviceSummary | null;
  readonly model: LoadedModel | null;
  readonly load: LoadProgress | null;
  readonly answer: Answer | null;
  /** Answers that were asked for in this visit: the number of the last one. */
  readonly asked: number;
  /** The device was lost: `recovering` until it is back, `lost` when it will not come back, `restored` after. */
  readonly deviceTrouble: 'recovering' | 'lost' | 'restored' | null;
  /** The live training run, or the last one of this visit. */
  readonly training: TrainingStatus | null;
  readonly error: PlainError | null;
}

/** The session before the engine said anything. */
export const EMPTY_SESSION: Session = {
  engine: 'idle',
  device: null,
  model: null,
  load: null,
  answer: null,
  asked: 0,
  deviceTrouble: null,
  training: null,
  error: null,
};

/** True while tokens may still arrive. */
export function isOpen(answer: Answer | null): boolean {
  return answer !== null && (answer.status === 'waiting' || answer.status === 'running');
}

/** Number of leading steps whose attention is known; attention arrives one step after its token. */
export function recordedSteps(answer: Answer | null): number {
  if (answer === null) return 0;
  let count = answer.steps.length;
  while (count > 0 && answer.steps[count - 1]?.shares === null) count -= 1;
  return count;
}

/** Starts an answer: called when the page asks, before the engine says anything. */
export function beginAnswer(session: Session, asked: Asked, adapterLabel: string | null = null): Session {
  const answer: Answer = {
    number: session.asked + 1,
    asked,
    modelLabel: session.model?.entry.label ?? '',
    adapterLabel,
    status: 'waiting',
    prompt: null,
    steps: [],
    text: '',
    segments: [],
    result: null,
    error: null,
    recorded: false,
  };
  return { ...session, answer, asked: answer.number, error: null, deviceTrouble: null };
}

/** Closes the open answer with an error; text and attention that arrived stay. */
export function failAnswer(session: Session, error: PlainError): Session {
  const { answer } = session;
  if (answer === null || !isOpen(answer)) return session;
  const gone = error.code === 'gpu/device-lost' || error.code.startsWith('worker/');
  return { ...session, answer: { ...answer, status: gone ? 'interrupted' : 'failed', error } };
}

/** Mutable while one batch is applied, so that a batch copies the steps once. */
interface Draft {
  session: Session;
  steps: Step[] | null;
}

/** Commands and events travel separately, so tokens may still arrive after a failure closed their answer. */
function withAnswer(draft: Draft, change: (answer: Answer) => Partial<Answer>): void {
  const { answer } = draft.session;
  if (answer === null || answer.status === 'finished') return;
  draft.session = { ...draft.session, answer: { ...answer, ...change(answer) } };
}

function ownSteps(draft: Draft, answer: Answer): Step[] {
  if (draft.steps === null) draft.steps = answer.steps.slice();
  return draft.steps;
}

function addTokens(draft: Draft, event: Extract<EngineEvent, { type: 'tokensGenerated' }>): void {
  withAnswer(draft, (answer) => {
    const steps = ownSteps(draft, answer);
    let { text } = answer;
    for (const token of event.tokens) {
      if (token.step !== steps.length) continue;
      const start = text.length;
      text += token.text;
      const { id, shares, map, atMs } = token;
      steps.push({ id, text: token.text, start, end: text.length, shares, map, atMs });
    }
    const status = isOpen(answer) ? 'running' : answer.status;
    return { status, steps, text, segments: event.segments };
  });
}

function addAttention(draft: Draft, event: Extract<EngineEvent, { type: 'attentionRecorded' }>): void {
  withAnswer(draft, (answer) => {
    const steps = ownSteps(draft, answer);
    const step = steps[event.step];
    if (step !== undefined) steps[event.step] = { ...step, shares: event.shares, map: event.map };
    return { steps };
  });
}

/** An engine that is idle or failed has no model, whatever was loaded before. */
function changeState(session: Session, engine: EngineState): Session {
  const model = engine === 'idle' || engine === 'failed' ? null : session.model;
  return { ...session, engine, model, load: engine === 'loading' ? session.load : null };
}

function applyEvent(draft: Draft, event: EngineEvent): void {
  const { session } = draft;
  switch (event.type) {
    case 'stateChanged':
      draft.session = changeState(session, event.state);
      return;
    case 'deviceReady':
      draft.session = { ...session, device: event.device };
      return;
    case 'loadProgressed':
      draft.session = { ...session, load: { phase: event.phase, loaded: event.loaded, total: event.total } };
      return;
    case 'modelLoaded':
      draft.session = { ...session, model: event.model, load: null, error: null };
      return;
    case 'promptReady':
      withAnswer(draft, () => ({ prompt: event.prompt }));
      return;
    case 'tokensGenerated':
      addTokens(draft, event);
      return;
    case 'attentionRecorded':
      addAttention(draft, event);
      return;
    case 'generationFinished':
      withAnswer(draft, () => ({ status: 'finished', result: event.result, segments: event.segments }));
      return;
    case 'deviceLost':
      draft.session = event.recovering
        ? { ...session, deviceTrouble: 'recovering' }
        : { ...session, deviceTrouble: 'lost', device: null, model: null };
      draft.session = failAnswer(draft.session, { code: 'gpu/device-lost', message: event.message });
      return;
    case 'deviceRestored':
      draft.session = { ...session, device: event.device, deviceTrouble: 'restored' };
      return;
    case 'trainingChanged':
      draft.session = { ...session, training: event.status };
      return;
    case 'failed':
      draft.session = failAnswer({ ...session, error: event.error, load: null }, event.error);
      return;
  }
}

/** True while the engine works on a run. */
export function isLive(state: RunState): boolean {
  return state === 'preparing' || state === 'running' || state === 'pausing';
}

/** The session after a batch of events. Linear in the answer's length once per batch. */
export function reduceSession(session: Session, events: readonly EngineEvent[]): Session {
  const draft: Draft = { session, steps: null };
  for (const event of events) applyEvent(draft, event);
  return draft.session;
}
