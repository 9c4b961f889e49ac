// Shows one error in words: what happened, why, what can be done, and details to copy for a report. Model or file
// text inside an error is shown as text. The words are fetched when the page is there; an error that comes before them, or
// without a connection, is shown in the engine's own sentence.

import { signal, useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import type { PlainError } from '../lib/plain_error';
import { COPY } from './copy';
import type { ErrorAction } from './error_copy';
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
    case 'open-models':
      return route.value === 'models' ? null : () => location.assign('#/models');
    case 'choose-picture':
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
  /** What trying again means here; null where it means nothing. Without it, the model is loaded again. */
  readonly retry?: (() => void) | null;
  /** Takes the notice away, where it may be. */
  readonly dismiss?: () => void;
}

/** Shows an error. */
export function Notice({ error, compact = false, retry, dismiss }: NoticeProps) {
  const shown = withCause(error);
  const known = words.value?.errorCopy(shown);
  const { title, why, steps, action, link } = known ?? {
    title: shown.message,
    why: '',
    steps: [],
    action: 'none' as const,
  };
  const act = useAction(action, retry);
  useEffect(() => void fetchErrorWords(), []);
  return (
    <div class={compact ? 'notice compact' : 'notice'} role="alert" data-code={shown.code}>
      <Icon name="warning" />
      <div>
        {compact ? <h3>{title}</h3> : <h2>{title}</h2>}
        <p>{why}</p>
        {steps.length > 0 && (
          <ul>
            {steps.map((step) => (
              <li key={step}>{step}</li>
            ))}
          </ul>
        )}
        {link && (
          <p>
            <a href={link.href} target="_blank" rel="noreferrer noopener">
              {link.label}
            </a>
          </p>
        )}
        <div class="notice-actions">
          {act !== null && action !== 'none' && (
            <button type="button" onClick={act}>
              {words.value?.ACTION_LABELS[action]}
            </button>
          )}
          {dismiss && (
            <button type="button" class="quiet" onClick={dismiss}>
              {COPY.app.dismiss}
            </button>
          )}
        </div>
        <Details error={shown} />
      </div>
    </div>
  );
}
