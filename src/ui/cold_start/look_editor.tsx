// Lets a person write or correct the look of one chosen chain: the picture, the question, what the model wrote, the whole
// answer, and what the filter says of it.

import { useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { expectedWords } from '../../answer/expected_answers';
import type { ColdStart } from '../../state/cold_start';
import type { ColdStartLook } from '../../worker/protocol/cold_start';
import { BlobImage } from '../blob_image';
import { COLD_START_COPY } from './cold_start_copy';

const WORDS = COLD_START_COPY.editor;

function Verdict({ look }: { readonly look: ColdStartLook }) {
  if (!look.written) return <p class="hint">{WORDS.notWritten}</p>;
  if (look.broken.length === 0) return <p data-testid="look-verdict">{WORDS.passes}</p>;
  return (
    <div data-testid="look-verdict">
      <p>{WORDS.fails}</p>
      <ul class="cold-broken">
        {look.broken.map((why) => (
          <li key={why}>{why}</li>
        ))}
      </ul>
    </div>
  );
}

function Steps({ coldStart, look }: { readonly coldStart: ColdStart; readonly look: ColdStartLook }) {
  return (
    <div class="cold-steps">
      <button
        type="button"
        class="quiet"
        aria-label={WORDS.previous}
        disabled={look.index === 0}
        onClick={() => void coldStart.showLook(look.index - 1)}
      >
        ←
      </button>
      <button
        type="button"
        class="quiet"
        data-testid="look-next"
        aria-label={WORDS.next}
        disabled={look.index + 1 >= look.total}
        onClick={() => void coldStart.showLook(look.index + 1)}
      >
        →
      </button>
      <button type="button" class="quiet" onClick={coldStart.closeLook}>
        {WORDS.close}
      </button>
    </div>
  );
}

function Editor({ coldStart, look }: { readonly coldStart: ColdStart; readonly look: ColdStartLook }) {
  const text = useSignal(look.text);
  const field = useRef<HTMLTextAreaElement>(null);
  useEffect(() => field.current?.focus(), []);
  return (
    <form
      class="look-editor"
      aria-labelledby="look-editor-title"
      data-testid="look-editor"
      data-index={look.index}
      onSubmit={(event) => {
        event.preventDefault();
        void coldStart.writeLook(text.value);
      }}
    >
      <header class="panel-head">
        <h4 id="look-editor-title">{WORDS.title(look.index, look.total)}</h4>
        <Steps coldStart={coldStart} look={look} />
      </header>
      <div class="look-editor-body">
        <BlobImage blob={look.image} alt={look.question} size={160} />
        <dl class="facts">
          {(
            [
              [WORDS.question, look.question],
              [WORDS.expected, expectedWords(look.expected)],
              [WORDS.opening, look.opening],
            ] as const
          ).map(([term, words]) => (
            <div key={term}>
              <dt>{term}</dt>
              <dd>{words}</dd>
            </div>
          ))}
        </dl>
      </div>
      <label class="field">
        {WORDS.text}
        <textarea
          ref={field}
          rows={5}
          class="mono"
          data-testid="look-text"
          aria-describedby="look-text-why"
          value={text.value}
          onInput={(event) => {
            text.value = event.currentTarget.value;
          }}
        />
        <span class="hint" id="look-text-why">
          {WORDS.textWhy}
        </span>
      </label>
      <Verdict look={look} />
      <button type="submit" class="primary" data-testid="look-keep" disabled={coldStart.locked.value}>
        {WORDS.keep}
      </button>
    </form>
  );
}

/** The editor; nothing while no chain is open. */
export function LookEditor({ coldStart }: { readonly coldStart: ColdStart }) {
  const look = coldStart.look.value;
  // A new chain is a new form: what was typed for another is not its text.
  return look === null ? null : <Editor key={look.id} coldStart={coldStart} look={look} />;
}
