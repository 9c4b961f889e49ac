// Draws the app's shell: notices, loading progress, the page that the address names, the list of keys, announcements.
// Look's state lives on while another page is shown; only its elements go. Exactly one polite status announces, and
// only what changed.

import { useComputed, useSignal } from '@preact/signals';
import type { RefObject } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { formatBytes } from '../lib/format';
import type { Library } from '../state/library';
import type { Look } from '../state/look';
import type { LoadPhase } from '../worker/protocol/engine';
import { COPY } from './copy';
import { Icon } from './icons';
import { type Draw, LazyPage } from './lazy_page';
import { LibraryContext, LookContext, useLook } from './look/look_context';
import { LookPage } from './look/look_page';
import { Notice } from './notice';
import type { Pages } from './pages';
import { route } from './route';
import { Status } from './status';
import { TopBar } from './top_bar';
import './styles/app.css';

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
  const doubt = useComputed(() => look.session.value.model?.doubt ?? null);
  // The panel of the answer already shows an error that is the answer's own.
  const own = useComputed(() => look.session.value.answer?.error?.code === error.value?.code);
  return (
    <>
      {trouble.value !== null && (
        <p class={`banner banner-${trouble.value}`} data-testid="device-trouble" data-state={trouble.value}>
          <Icon name={trouble.value === 'restored' ? 'info' : 'warning'} /> {COPY.trouble[trouble.value]}
        </p>
      )}
      {doubt.value !== null && (
        <p class="banner banner-lost" data-testid="model-doubt">
          <Icon name="warning" /> {doubt.value}
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

/** Shows the list of keys, which is fetched when it is first wanted. */
function Keys({ open }: { readonly open: { value: boolean } }) {
  const load = useRef(async (): Promise<Draw> => {
    const { KeysDialog } = await import('./keys_dialog');
    return () => (
      <KeysDialog
        onClose={() => {
          open.value = false;
        }}
      />
    );
  });
  return open.value ? <LazyPage load={load.current} /> : null;
}

function TitleAndFocus({ main }: { readonly main: RefObject<HTMLElement | null> }) {
  const first = useRef(true);
  const shown = route.value;
  useEffect(() => {
    document.title = shown === 'look' ? COPY.app.name : `${COPY.app.routes[shown]} · ${COPY.app.name}`;
    if (!first.current) {
      main.current?.focus({ preventScroll: true });
      scrollTo(0, 0);
    }
    first.current = false;
  }, [shown, main]);
  return null;
}

/** A file dropped beside a page that takes none would replace the page in the tab. */
function useHarmlessDrops(): void {
  useEffect(() => {
    const stop = (event: DragEvent) => {
      if (event.dataTransfer?.types.includes('Files')) event.preventDefault();
    };
    document.addEventListener('dragover', stop);
    document.addEventListener('drop', stop);
    return () => {
      document.removeEventListener('dragover', stop);
      document.removeEventListener('drop', stop);
    };
  }, []);
}

function Shell({ pages }: { readonly pages: Pages }) {
  const main = useRef<HTMLElement>(null);
  const keysOpen = useSignal(false);
  const showKeys = () => {
    keysOpen.value = true;
  };
  useHarmlessDrops();
  const shown = route.value;
  return (
    <>
      <button type="button" class="skip" onClick={() => main.current?.focus()}>
        {COPY.app.skip}
      </button>
      <TopBar showKeys={showKeys} />
      <main
        ref={main}
        id="content"
        tabIndex={-1}
        class={shown === 'look' ? 'look' : 'page'}
        data-page={shown}
      >
        <Messages />
        {shown === 'look' ? <LookPage showKeys={showKeys} /> : <LazyPage key={shown} load={pages[shown]} />}
      </main>
      <footer class="page-foot">
        <p>
          {COPY.app.tagline} {COPY.app.private}
        </p>
      </footer>
      <Status />
      <Keys open={keysOpen} />
      <TitleAndFocus main={main} />
    </>
  );
}

/** The whole app over the state of the Look page and of what is stored. */
export function App({
  look,
  library,
  pages,
}: {
  readonly look: Look;
  readonly library: Library;
  readonly pages: Pages;
}) {
  return (
    <LookContext.Provider value={look}>
      <LibraryContext.Provider value={library}>
        <Shell pages={pages} />
      </LibraryContext.Provider>
    </LookContext.Provider>
  );
}
