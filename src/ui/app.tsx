// The app's shell: top bar with model and device, notices, loading progress, the Look page, keys and announcements.
// Not a router yet: there is one page. Invariant: exactly one polite status announces, and only what changed.

import { useComputed, useSignal, useSignalEffect } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { formatBytes } from '../lib/format';
import type { Look } from '../state/look';
import type { LoadPhase } from '../worker/protocol';
import { AskBox } from './ask_box';
import { ChartPanel } from './chart_panel';
import { COPY } from './copy';
import { Icon } from './icons';
import { listenToKeys } from './keyboard';
import { LookContext, useLook } from './look_context';
import { Notice } from './notice';
import { PicturePanel } from './picture_panel';
import { Status } from './status';
import { StreamPanel } from './stream_panel';
import { chooseTheme, theme } from './theme';
import { letterKeys } from './view_settings';
import './styles/app.css';

function ModelChip() {
  const look = useLook();
  const models = look.models.value;
  const value = look.wantedModel.value ?? '';
  const entry = models.find(({ id }) => id === value);
  if (models.length === 0) return null;
  return (
    <span class="top-chip">
      <label>
        <span class="visually-hidden">{COPY.app.model}</span>
        <select value={value} onChange={(event) => void look.loadModel(event.currentTarget.value)}>
          {models.map(({ id, label }) => (
            <option key={id} value={id}>
              {label}
            </option>
          ))}
        </select>
      </label>
      {entry?.draft && (
        <span class="badge" title={COPY.app.draftWhy} data-testid="draft">
          {COPY.app.draft}
        </span>
      )}
    </span>
  );
}

function DeviceChip() {
  const look = useLook();
  const device = useComputed(() => look.session.value.device);
  const shown = device.value;
  return (
    <span
      class="top-chip device"
      data-testid="device"
      title={shown?.software ? COPY.app.softwareWhy : undefined}
    >
      <span class="visually-hidden">{COPY.app.device}: </span>
      <span class="device-name">{shown?.description ?? COPY.app.noDevice}</span>
      {shown?.software && <span class="badge">{COPY.app.software}</span>}
    </span>
  );
}

function TopBar({ showKeys }: { readonly showKeys: () => void }) {
  const other = theme.value === 'dark' ? 'light' : 'dark';
  return (
    <header class="top-bar">
      <h1>
        <Icon name="eye" /> {COPY.app.name}
      </h1>
      <ModelChip />
      <span class="spacer" />
      <DeviceChip />
      <button
        type="button"
        class="icon-button"
        aria-label={COPY.app.keys}
        title={COPY.app.keys}
        onClick={showKeys}
      >
        <Icon name="keys" />
      </button>
      <button
        type="button"
        class="icon-button"
        aria-label={COPY.app.themeTo[other]}
        title={COPY.app.themeTo[other]}
        onClick={() => chooseTheme(other)}
      >
        <Icon name={other === 'dark' ? 'moon' : 'sun'} />
      </button>
    </header>
  );
}

const PHASES: readonly LoadPhase[] = ['device', 'download', 'check', 'upload', 'compile', 'warm-up'];

function LoadPanel() {
  const look = useLook();
  const load = useComputed(() => look.session.value.load);
  const label = useComputed(
    () => look.models.value.find(({ id }) => id === look.wantedModel.value)?.label ?? '…',
  );
  if (!look.loading.value) return null;
  const now = load.value;
  const bytes = now !== null && now.total > 4096 && (now.phase === 'download' || now.phase === 'upload');
  const amount =
    now === null || now.total === 0
      ? ''
      : bytes
        ? ` ${formatBytes(now.loaded)} of ${formatBytes(now.total)}`
        : ` ${now.loaded} of ${now.total}`;
  return (
    <section class="panel load-panel" aria-label={COPY.load.title(label.value)} data-phase={now?.phase ?? ''}>
      <div>
        <strong>{COPY.load.title(label.value)}</strong>
        <ol class="phases">
          {PHASES.map((phase) => (
            <li
              key={phase}
              aria-current={phase === now?.phase ? 'step' : undefined}
              class={now !== null && PHASES.indexOf(phase) < PHASES.indexOf(now.phase) ? 'done' : ''}
            >
              {COPY.load.phases[phase]}
            </li>
          ))}
        </ol>
      </div>
      <div class="load-bar">
        {now === null || now.total === 0 ? (
          <progress aria-label={COPY.load.waiting} />
        ) : (
          <progress aria-label={COPY.load.phases[now.phase]} value={now.loaded} max={now.total} />
        )}
        <span class="hint">
          {now === null ? COPY.load.waiting : `${COPY.load.phases[now.phase]}${amount}`}
        </span>
        <button type="button" class="quiet" onClick={() => void look.cancelLoad()}>
          {COPY.load.cancel}
        </button>
      </div>
    </section>
  );
}

function Troubles() {
  const look = useLook();
  const error = useComputed(() => look.session.value.error);
  const trouble = useComputed(() => look.session.value.deviceTrouble);
  // The panel of the answer already shows an error that is the answer's own.
  const own = useComputed(() => look.session.value.answer?.error?.code === error.value?.code);
  return (
    <>
      {trouble.value !== null && (
        <p class={`banner banner-${trouble.value}`} data-testid="device-trouble" data-state={trouble.value}>
          <Icon name={trouble.value === 'restored' ? 'info' : 'warning'} /> {COPY.trouble[trouble.value]}
        </p>
      )}
      {error.value !== null && !(own.value && error.value.code !== 'worker/crashed') && (
        <Notice error={error.value} />
      )}
    </>
  );
}

/** What concerns the whole page. */
function Messages() {
  return (
    <div class="messages">
      <Troubles />
      <LoadPanel />
    </div>
  );
}

function KeysDialog({ open }: { readonly open: { value: boolean } }) {
  const dialog = useRef<HTMLDialogElement>(null);
  useSignalEffect(() => {
    if (open.value) dialog.current?.showModal();
    else dialog.current?.close();
  });
  return (
    <dialog
      ref={dialog}
      aria-labelledby="keys-title"
      onClose={() => {
        open.value = false;
      }}
    >
      <h2 id="keys-title">{COPY.keys.title}</h2>
      <dl class="keys">
        {COPY.keys.rows.map(([keys, does]) => (
          <div key={keys}>
            <dt>
              <kbd>{keys}</kbd>
            </dt>
            <dd>{does}</dd>
          </div>
        ))}
      </dl>
      <label class="check">
        <input
          type="checkbox"
          checked={letterKeys.value}
          onChange={(event) => {
            letterKeys.value = event.currentTarget.checked;
          }}
        />
        {COPY.keys.enable}
      </label>
      <p class="hint">{COPY.keys.enableWhy}</p>
      <button
        type="button"
        onClick={() => {
          open.value = false;
        }}
      >
        {COPY.keys.close}
      </button>
    </dialog>
  );
}

function Page() {
  const look = useLook();
  const question = useRef<HTMLTextAreaElement>(null);
  const keysOpen = useSignal(false);
  useEffect(
    () =>
      listenToKeys(look, {
        focusQuestion: () => question.current?.focus(),
        showKeys: () => {
          keysOpen.value = true;
        },
      }),
    [look, keysOpen],
  );
  return (
    <>
      <a class="skip" href="#question">
        {COPY.app.skip}
      </a>
      <TopBar
        showKeys={() => {
          keysOpen.value = true;
        }}
      />
      <main class="look">
        <Messages />
        <PicturePanel />
        <div class="conversation">
          <AskBox field={question} />
          <StreamPanel />
        </div>
        <ChartPanel />
      </main>
      <footer class="page-foot">
        <p>
          {COPY.app.tagline} {COPY.app.private}
        </p>
      </footer>
      <Status />
      <KeysDialog open={keysOpen} />
    </>
  );
}

/** The whole app over one Look page's state. */
export function App({ look }: { readonly look: Look }) {
  return (
    <LookContext.Provider value={look}>
      <Page />
    </LookContext.Provider>
  );
}
