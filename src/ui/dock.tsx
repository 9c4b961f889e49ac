// Draws the line at the foot of the screen that says what the engine is about: a model that is loading, or why none is
// there. It lies over the page, so that nothing moves when it comes and goes.

import { useComputed } from '@preact/signals';
import { formatBytes } from '../lib/format';
import { isLive, isOpen } from '../state/session';
import type { LoadPhase } from '../worker/protocol/engine';
import { COPY } from './copy';
import { useLook } from './look/look_context';
import { Notice } from './notice';
import { newVersion, takeNewVersion } from './offline';
import './styles/dock.css';

const PHASES: readonly LoadPhase[] = ['device', 'download', 'check', 'upload', 'compile', 'warm-up'];

function LoadPanel() {
  const look = useLook();
  const load = useComputed(() => look.session.value.load);
  const label = useComputed(
    () => look.models.value.find(({ id }) => id === look.wantedModel.value)?.label ?? '…',
  );
  const now = load.value;
  const bytes = now !== null && now.total > 4096 && (now.phase === 'download' || now.phase === 'upload');
  const amount =
    now === null || now.total === 0
      ? ''
      : bytes
        ? ` ${formatBytes(now.loaded)} of ${formatBytes(now.total)}`
        : ` ${now.loaded} of ${now.total}`;
  return (
    <section class="load-panel" aria-label={COPY.load.title(label.value)} data-phase={now?.phase ?? ''}>
      <strong>{COPY.load.title(label.value)}</strong>
      <ol class="phases">
        {PHASES.map((phase) => (
          <li
            key={phase}
            aria-current={phase === now?.phase ? 'step' : undefined}
            class={now !== null && PHASES.indexOf(phase) < PHASES.indexOf(now.phase) ? 'done' : ''}
            title={COPY.load.phases[phase]}
          >
            <span class="visually-hidden">{COPY.load.phases[phase]}</span>
          </li>
        ))}
      </ol>
      <span class="hint">{now === null ? COPY.load.waiting : `${COPY.load.phases[now.phase]}${amount}`}</span>
      {now === null || now.total === 0 ? (
        <progress aria-label={COPY.load.waiting} />
      ) : (
        <progress aria-label={COPY.load.phases[now.phase]} value={now.loaded} max={now.total} />
      )}
      <button type="button" class="quiet small" onClick={() => void look.cancelLoad()}>
        {COPY.load.cancel}
      </button>
    </section>
  );
}

/** A new version of the page, which is taken when nothing runs that the reload would end. */
function VersionLine() {
  const look = useLook();
  const running = useComputed(() => {
    const { answer, training } = look.session.value;
    return isOpen(answer) || (training !== null && isLive(training.state));
  });
  return (
    <section class="version-line" aria-label={COPY.version.title} data-testid="new-version">
      <strong>{COPY.version.title}</strong>
      <span class="hint">{running.value ? COPY.version.wait : COPY.version.why}</span>
      <button
        type="button"
        class="small"
        disabled={running.value}
        onClick={() => takeNewVersion(navigator.serviceWorker, () => location.reload())}
      >
        {COPY.version.take}
      </button>
    </section>
  );
}

/** What the engine is about, on every page; nothing where there is nothing to say. */
export function Dock() {
  const look = useLook();
  const error = useComputed(() => {
    const { error: last, answer } = look.session.value;
    // The panel of the answer already shows an error that is the answer's own.
    const own = last !== null && answer?.error?.code === last.code && last.code !== 'worker/crashed';
    return own ? null : last;
  });
  const renewed = newVersion.value !== null;
  if (!look.loading.value && error.value === null && !renewed) return null;
  return (
    <aside class="dock" aria-label={COPY.app.engine}>
      {error.value !== null && <Notice error={error.value} line />}
      {look.loading.value && <LoadPanel />}
      {renewed && <VersionLine />}
    </aside>
  );
}
