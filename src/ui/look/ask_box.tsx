// The question: its text, suggestions, the settings of the answer, and asking or stopping.
// Not what happens then (state/look.ts). Invariant: Enter asks only when the button would.

import { useComputed } from '@preact/signals';
import type { RefObject } from 'preact';
import { isOpen } from '../../state/session';
import { MAX_TEMPERATURE } from '../../state/settings';
import type { ReasoningMode } from '../../worker/protocol/answers';
import { COPY } from '../copy';
import { Icon } from '../icons';
import { useLook } from './look_context';
import '../styles/ask.css';

/** Suggestions when the picture came without its own. */
const SUGGESTIONS = [
  'Start with 11. Subtract the red squares. Add 3. Subtract 8. How many?',
  'Count the blue circles. Add 4. Subtract 1. How many?',
  'Start with 6. Add the triangles. Subtract 2. Add 5. How many?',
];

/** A new unsigned 32-bit seed. */
export function rollSeed(): number {
  return crypto.getRandomValues(new Uint32Array(1))[0] ?? 1;
}

function Suggestions() {
  const look = useLook();
  const own = look.picture.value?.questions.map(({ text }) => text) ?? [];
  const list = own.length > 0 ? own : SUGGESTIONS;
  return (
    <div class="chips">
      {list.map((question) => (
        <button key={question} type="button" class="chip" onClick={() => look.setQuestion(question)}>
          {question}
        </button>
      ))}
    </div>
  );
}

function ModeField() {
  const look = useLook();
  const modes = useComputed(() => look.session.value.model?.modes ?? [look.settings.value.mode]);
  return (
    <label class="field">
      {COPY.ask.mode}
      <select
        value={look.settings.value.mode}
        onChange={(event) => look.setSettings({ mode: event.currentTarget.value as ReasoningMode })}
      >
        {modes.value.map((mode) => (
          <option key={mode} value={mode}>
            {COPY.modes[mode]}
          </option>
        ))}
      </select>
    </label>
  );
}

interface NumberFieldProps {
  readonly label: string;
  readonly knob: 'temperature' | 'seed' | 'maxNewTokens';
  readonly min: number;
  readonly max: number;
  readonly step: number;
}

function NumberField({ label, knob, min, max, step }: NumberFieldProps) {
  const look = useLook();
  return (
    <label class="field">
      {label}
      <input
        type="number"
        inputMode="decimal"
        name={knob}
        {...{ min, max, step }}
        value={look.settings.value[knob]}
        onChange={(event) => {
          look.setSettings({ [knob]: event.currentTarget.valueAsNumber });
          // An unusable number was replaced by the state; the field shows what holds.
          event.currentTarget.value = String(look.settings.value[knob]);
        }}
      />
    </label>
  );
}

function SettingsGroup() {
  const look = useLook();
  const limit = useComputed(() => look.session.value.model?.maxNewTokens ?? 4096);
  return (
    <fieldset class="settings">
      <legend class="visually-hidden">{COPY.ask.settings}</legend>
      <ModeField />
      <NumberField label={COPY.ask.temperature} knob="temperature" min={0} max={MAX_TEMPERATURE} step={0.1} />
      <div class="seed-field">
        <NumberField label={COPY.ask.seed} knob="seed" min={0} max={0xffffffff} step={1} />
        <button
          type="button"
          class="icon-button"
          aria-label={COPY.ask.dice}
          title={COPY.ask.dice}
          aria-describedby="ask-hint"
          onClick={() => look.setSettings({ seed: rollSeed() })}
        >
          <Icon name="dice" />
        </button>
      </div>
      <NumberField label={COPY.ask.length} knob="maxNewTokens" min={1} max={limit.value} step={1} />
    </fieldset>
  );
}

function Hint() {
  const look = useLook();
  const why = useComputed(() => {
    const { model, answer } = look.session.value;
    if (isOpen(answer)) return COPY.ask.stopKeys;
    if (look.picture.value === null) return COPY.ask.needPicture;
    if (look.question.value.trim() === '') return COPY.ask.needQuestion;
    if (look.loading.value) return COPY.ask.needModel;
    return model === null ? '' : COPY.ask.sendKeys;
  });
  const greedy = look.settings.value.temperature === 0;
  return (
    <p class="hint" id="ask-hint">
      {why.value} {greedy && COPY.ask.greedy}
    </p>
  );
}

/** The question box. `field` receives the text area, for the key that focuses it. */
export function AskBox({ field }: { readonly field: RefObject<HTMLTextAreaElement | null> }) {
  const look = useLook();
  const running = useComputed(() => isOpen(look.session.value.answer));
  return (
    <section class="panel ask-panel" aria-labelledby="ask-title">
      <h2 id="ask-title" class="visually-hidden">
        {COPY.ask.title}
      </h2>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void look.ask();
        }}
      >
        <div class="ask-row">
          <textarea
            ref={field}
            id="question"
            aria-label={COPY.ask.label}
            placeholder={COPY.ask.placeholder}
            rows={2}
            spellcheck={false}
            value={look.question.value}
            onInput={(event) => look.setQuestion(event.currentTarget.value)}
            onKeyDown={(event) => {
              if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
              event.preventDefault();
              void look.ask();
            }}
          />
          {running.value ? (
            <button type="button" class="primary" onClick={() => void look.stop()}>
              <Icon name="stop" /> {COPY.ask.stop}
            </button>
          ) : (
            <button type="submit" class="primary" disabled={!look.canAsk.value}>
              <Icon name="send" /> {COPY.ask.send}
            </button>
          )}
        </div>
        <Suggestions />
        <SettingsGroup />
        <Hint />
      </form>
    </section>
  );
}
