// Shows one error in words: what happened, why, what can be done, and details to copy for a report. Model or file
// text inside an error is shown as text. The words are fetched when the page is there; an error that comes before them, or
// without a connection, is shown in the engine's own sentence.

import { signal, useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import type { PlainError } from '../lib/plain_error';
import { COPY } from './copy';
import type { ErrorAction, ErrorCopy } from './error_words';
import { Icon } from './icons';
import { useLook } from './look/look_context';
import { route } from './route';
import './styles/notice.css';

const words = signal<typeof import('./error_copy') | null>(null);

/** Fetches the words of errors; a failure is no error of its own. */
export async function fetchErrorWords(): Promise<void> {
  if (words.value !== null) return;
  try {
    words.value = await import('./error_copy');
  } catch {
    // The next notice tries again.
  }
}

/** Errors about WebGPU that have another cause on a page that came over plain http. */
function withCause(error: PlainError): PlainError {
  return error.code === 'gpu/unavailable' && !globalThis.isSecureContext
    ? { ...error, code: 'page/insecure' }
    : error;
}

function useAction(action: ErrorAction, retry: (() => void) | null | undefined): (() => void) | null {
  const look = useLook();
  switch (action) {
    case 'retry':
      if (retry !== undefined) return retry;
      return () => {
        const id = look.wantedModel.value;
        void (id === null ? look.restart() : look.loadModel(id));
      };
    case 'restart':
      return () => void look.restart();
    case 'ask-again':
      // Offered once the device is back.
      return look.session.value.deviceTrouble === 'recovering' ? null : () => void look.regenerate();
    case 'reload':
      return () => location.reload();
    case 'open-library':
      return route.value === 'library' ? null : () => location.assign('#/library');
    case 'open-train':
      return route.value === 'train' ? null : () => location.assign('#/train');
    case 'open-data':
      return route.value === 'data' ? null : () => location.assign('#/data');
    case 'open-models':
      return route.value === 'models' ? null : () => location.assign('#/models');
    case 'none':
      return null;
  }
}

function Details({ error }: { readonly error: PlainError }) {
  const look = useLook();
  const copied = useSignal(false);
  const { device, model } = look.session.value;
  const details = words.value?.errorDetails(error, {
    device: device?.description ?? 'none',
    model: model?.entry.id ?? 'none',
    browser: navigator.userAgent,
  });
  if (details === undefined) return null;
  return (
    <details class="notice-details">
      <summary>{COPY.trouble.details}</summary>
      <pre>{details}</pre>
      <button
        type="button"
        class="quiet"
        onClick={() => {
          navigator.clipboard.writeText(details).then(
            () => {
              copied.value = true;
            },
            () => {
              // The clipboard is closed to this page: the text above can be selected.
            },
          );
        }}
      >
        {copied.value ? COPY.trouble.copied : COPY.trouble.copy}
      </button>
    </details>
  );
}

interface NoticeProps {
  readonly error: PlainError;
  /** Inside a panel, whose heading is above it. */
  readonly compact?: boolean;
  /** One line; why and what can be done are behind a press. */
  readonly line?: boolean;
  /** What trying again means here; null where it means nothing. Without it, the model is loaded again. */
  readonly retry?: (() => void) | null;
  /** Takes the notice away, where it may be. */
  readonly dismiss?: () => void;
}

/** Why, what can be done, and the report. */
function Explanation({ error, copy }: { readonly error: PlainError; readonly copy: Words }) {
  return (
    <>
      <p>{copy.why}</p>
      {copy.steps.length > 0 && (
        <ul>
          {copy.steps.map((step) => (
            <li key={step}>{step}</li>
          ))}
        </ul>
      )}
      {copy.link && (
        <p>
          <a href={copy.link.href} target="_blank" rel="noreferrer noopener">
            {copy.link.label}
          </a>
        </p>
      )}
      <Details error={error} />
    </>
  );
}

type Words = Pick<ErrorCopy, 'title' | 'why' | 'steps' | 'action' | 'link'>;

/** Shows an error. */
export function Notice({ error, compact = false, line = false, retry, dismiss }: NoticeProps) {
  const shown = withCause(error);
  const copy: Words = words.value?.errorCopy(shown) ?? {
    title: shown.message,
    why: '',
    steps: [],
    action: 'none',
  };
  const act = useAction(copy.action, retry);
  useEffect(() => void fetchErrorWords(), []);
  const actions = (
    <div class="notice-actions">
      {act !== null && copy.action !== 'none' && (
        <button type="button" class={line ? 'small' : ''} onClick={act}>
          {words.value?.ACTION_LABELS[copy.action]}
        </button>
      )}
      {dismiss && (
        <button type="button" class="quiet" onClick={dismiss}>
          {COPY.app.dismiss}
        </button>
      )}
    </div>
  );
  const kind = line ? 'notice notice-line' : compact ? 'notice compact' : 'notice';
  return (
    <div class={kind} role="alert" data-code={shown.code}>
      <Icon name="warning" />
      {line ? (
        <>
          <details class="notice-more">
            <summary>
              <strong class="notice-title">{copy.title}</strong>{' '}
              <span class="notice-steps">{COPY.trouble.whatToDo}</span>
            </summary>
            <Explanation error={shown} copy={copy} />
          </details>
          {actions}
        </>
      ) : (
        <div>
          {compact ? <h3>{copy.title}</h3> : <h2>{copy.title}</h2>}
          <Explanation error={shown} copy={copy} />
          {actions}
        </div>
      )}
    </div>
  );
}
