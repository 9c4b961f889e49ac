// Draws the question box: its text, suggestions, the settings of the answer, and asking or stopping. Enter asks only
// when the button would.

import { signal, useComputed, useSignal } from '@preact/signals';
import type { RefObject } from 'preact';
import { useLayoutEffect, useRef } from 'preact/hooks';
import { GENERATION_SETTINGS } from '../../settings/generation_settings';
import { modeHelp, modeWords, type ReasoningMode } from '../../settings/reasoning_modes';
import { suitedQuestions } from '../../state/look_picture';
import { isOpen } from '../../state/session';
import { type AnswerNumber, answerSetting, settingProblem, settingsUsable } from '../../state/settings';
import { browserText } from '../browser_text';
import { Confirm } from '../confirm';
import { COPY } from '../copy';
import { Icon } from '../icons';
import { type Draw, LazyPage } from '../lazy_page';
import { NumberInput } from '../number_input';
import { useLook, useQuestionWords } from './look_context';
import { QuestionField, UnknownWords } from './question_field';
import '../styles/ask.css';

/** Suggestions for models of any picture. */
const ANY_PICTURE = ['What is in this picture?', 'How many people are there?', 'What does the text say?'];
/** Suggestions for several pictures. */
const SEVERAL = ['What differs between image 1 and image 2?', 'What do these pictures have in common?'];
/** Suggestions for models that see cells, when the picture came without its own. */
const CELLS = [
  'Start with 11. Subtract the red squares. Add 3. Subtract 8. How many?',
  'How many blue circles? Add 4.',
  'How many cells are mostly blue?',
];

// Fetched after an answer of a model that follows up.
async function loadFollowUp(): Promise<Draw> {
  const { FollowUp } = await import('./follow_up');
  return () => <FollowUp />;
}

// Fetched when it is first unfolded.
async function loadHistory(): Promise<Draw> {
  const { HistoryStrip } = await import('./history_strip');
  return () => <HistoryStrip />;
}

/** A new unsigned 32-bit seed. */
export function rollSeed(): number {
  return crypto.getRandomValues(new Uint32Array(1))[0] ?? 1;
}

function Suggestions() {
  const look = useLook();
  const list = useComputed(() => {
    const { model } = look.session.value;
    if (look.pictures.value.length > 1) return SEVERAL;
    const suited = suitedQuestions(look.picture.value?.questions ?? [], model);
    if (suited.length > 0) return suited.map(({ text }) => text);
    return model === null ? [] : model.seesCells ? CELLS : ANY_PICTURE;
  });
  return (
    <div class="chips">
      {list.value.map((question) => (
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
      {GENERATION_SETTINGS.mode.label}
      <select
        value={look.settings.value.mode}
        onChange={(event) => look.setSettings({ mode: event.currentTarget.value as ReasoningMode })}
      >
        {modes.value.map((mode) => (
          <option key={mode} value={mode}>
            {modeWords(mode)}
          </option>
        ))}
      </select>
    </label>
  );
}

function NumberField({ id }: { readonly id: AnswerNumber }) {
  const look = useLook();
  const { model } = look.session.value;
  const setting = answerSetting(id, model);
  const problem = settingProblem(id, look.settings.value, model);
  const control = `answer-${id}`;
  const limit = model === null ? '' : String(model.maxNewTokens);
  return (
    <div class="field">
      <label for={control}>{setting.label}</label>
      <NumberInput
        id={control}
        name={id}
        whole={setting.whole}
        number={look.settings.value[id]}
        {...(setting.default === null ? { emptyMeans: limit } : {})}
        aria-invalid={problem !== null}
        aria-describedby={`${control}-note`}
        set={(value) => look.setSettings({ [id]: value })}
      />
      <span id={`${control}-note`} class="hint wrong-note">
        {problem !== null && COPY.ask.mustBe(problem)}
      </span>
    </div>
  );
}

const kept = browserText('look-back/answer-settings');
/** Whether the settings are unfolded; a setting that cannot be used unfolds them, too. */
const unfolded = signal(kept.read() === 'open');

const keptHistory = browserText('look-back/history');
const historyUnfolded = signal(keptHistory.read() === 'open');

/** The questions asked before. Its line is there from the beginning, so that nothing moves with the first question. */
function History() {
  const look = useLook();
  const count = useComputed(() => look.history.value.length);
  return (
    <details
      class="history"
      data-testid="history"
      open={historyUnfolded.value}
      onToggle={(event) => {
        historyUnfolded.value = event.currentTarget.open;
        keptHistory.write(historyUnfolded.value ? 'open' : 'closed');
      }}
    >
      <summary>{COPY.ask.askedBefore(count.value)}</summary>
      {historyUnfolded.value && <LazyPage load={loadHistory} />}
    </details>
  );
}

function SettingsGroup() {
  const look = useLook();
  const { settings, session } = look;
  const now = useComputed(() => {
    const { mode, temperature, seed } = settings.value;
    return COPY.ask.settingsNow(modeWords(mode), temperature, seed);
  });
  const wrong = useComputed(() => !settingsUsable(settings.value, session.value.model));
  return (
    <details
      class="settings-fold"
      open={unfolded.value || wrong.value}
      onToggle={(event) => {
        unfolded.value = event.currentTarget.open;
        kept.write(unfolded.value ? 'open' : 'closed');
      }}
    >
      <summary>
        {COPY.ask.settings} <span class="hint">{now.value}</span>
      </summary>
      <SettingsFields />
    </details>
  );
}

function SettingsFields() {
  const look = useLook();
  return (
    <fieldset class="settings">
      <legend class="visually-hidden">{COPY.ask.settings}</legend>
      <ModeField />
      <NumberField id="temperature" />
      <div class="seed-field">
        <NumberField id="seed" />
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
      <NumberField id="maxNewTokens" />
      {look.session.value.model?.square === false && <NumberField id="maxImageTokens" />}
      <label class="check">
        <input
          type="checkbox"
          data-testid="reading-pace"
          checked={look.paced.value}
          onChange={(event) => look.setPaced(event.currentTarget.checked)}
        />
        {COPY.ask.paced}
      </label>
      <p class="hint mode-help">{modeHelp(look.settings.value.mode)}</p>
    </fieldset>
  );
}

function Hint() {
  const look = useLook();
  const why = useComputed(() => {
    const { model, answer, deviceTrouble } = look.session.value;
    if (isOpen(answer)) return COPY.ask.stopKeys;
    if (deviceTrouble === 'recovering') return COPY.ask.recovering;
    // Before what is still to be chosen: without a model, choosing leads nowhere.
    if (model === null && !look.loading.value) return COPY.ask.noModel;
    if (look.pictures.value.length === 0) return COPY.ask.needPicture;
    if (!look.countFits.value) return COPY.ask.fewerPictures(model?.maxPictures ?? 1);
    if (look.question.value.trim() === '') return COPY.ask.needQuestion;
    if (look.loading.value) return COPY.ask.needModel;
    if (!settingsUsable(look.settings.value, model)) return COPY.ask.wrongSetting;
    return COPY.ask.sendKeys;
  });
  const greedy = look.settings.value.temperature === 0;
  return (
    <p class="hint" id="ask-hint">
      {why.value} {greedy && look.session.value.model !== null && COPY.ask.greedy}
    </p>
  );
}

/** Tells the styles how high the question is: where it lies at the foot, the engine's line lies above it. */
function useHeightOf(panel: RefObject<HTMLElement | null>): void {
  // Before the first paint, so that the engine's line does not move.
  useLayoutEffect(() => {
    const own = panel.current;
    if (own === null) return;
    const { style } = document.documentElement;
    const tell = () => style.setProperty('--ask', `${own.getBoundingClientRect().height}px`);
    tell();
    const observer = new ResizeObserver(tell);
    observer.observe(own);
    return () => {
      observer.disconnect();
      style.removeProperty('--ask');
    };
  }, [panel]);
}

/** What stands below the field and its button. */
function Beside() {
  const look = useLook();
  return (
    <>
      <UnknownWords />
      {look.turns.value.length > 0 && <LazyPage load={loadFollowUp} />}
      <Suggestions />
      <Hint />
      <div class="ask-folds">
        <SettingsGroup />
        <History />
      </div>
    </>
  );
}

/** The question box. `field` receives the text area, for the key that focuses it. */
export function AskBox({ field }: { readonly field: RefObject<HTMLTextAreaElement | null> }) {
  const look = useLook();
  const words = useQuestionWords();
  const running = useComputed(() => isOpen(look.session.value.answer));
  const confirming = useSignal(false);
  const ask = (): void => {
    // Without a model that is ready nothing is asked, so there is nothing to confirm.
    if (words.unreadable.value && look.canAsk.value) confirming.value = true;
    else void look.ask();
  };
  const panel = useRef<HTMLElement>(null);
  useHeightOf(panel);
  return (
    <section ref={panel} class="panel ask-panel" aria-labelledby="ask-title">
      <h2 id="ask-title" class="visually-hidden">
        {COPY.ask.title}
      </h2>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          ask();
        }}
      >
        <div class="ask-row">
          <QuestionField field={field} onEnter={ask} />
          {running.value ? (
            <button type="button" class="primary" onClick={() => void look.stop()}>
              <Icon name="stop" /> {COPY.ask.stop}
            </button>
          ) : (
            <button type="submit" class="primary" disabled={!look.canAsk.value} aria-describedby="ask-hint">
              <Icon name="send" /> {COPY.ask.send}
            </button>
          )}
        </div>
        <Beside />
      </form>
      {confirming.value && (
        <Confirm
          title={COPY.ask.unreadableTitle}
          yes={COPY.ask.askAnyway}
          onYes={() => {
            confirming.value = false;
            void look.ask();
          }}
          onNo={() => {
            confirming.value = false;
          }}
        >
          <p>{COPY.ask.unreadable}</p>
        </Confirm>
      )}
    </section>
  );
}
