// Draws the download under way: its phases, how much has arrived, how fast and how long still, and pausing, resuming and
// cancelling it. Loading onto the device follows in the line that every page has at its foot.

import { useSignal } from '@preact/signals';
import type { Arrival, Download } from '../../state/arrival';
import { Confirm } from '../confirm';
import { COPY } from '../copy';
import { MODELS_COPY } from './models_copy';

function Bar({ download }: { readonly download: Download }) {
  const { loaded, total, bytesPerSecond, secondsLeft, state } = download;
  if (total === 0) {
    return (
      <>
        <progress aria-label={MODELS_COPY.asking} />
        <span class="hint">{MODELS_COPY.asking}</span>
      </>
    );
  }
  const pace = state === 'downloading' ? MODELS_COPY.pace(bytesPerSecond, secondsLeft) : '';
  return (
    <>
      <progress aria-label={MODELS_COPY.progress} value={loaded} max={total} />
      <span class="hint" data-testid="download-pace">
        {MODELS_COPY.of(loaded, total)}
        {pace !== '' && `, ${pace}`}
      </span>
    </>
  );
}

/** The panel; nothing while no download is known. */
export function DownloadPanel({ arrival }: { readonly arrival: Arrival }) {
  const asked = useSignal(false);
  const download = arrival.download.value;
  if (download === null) return null;
  const { id, state, loaded } = download;
  const title = state === 'paused' ? MODELS_COPY.paused(id) : MODELS_COPY.downloading(id);
  return (
    <section class="panel download-panel" aria-label={title} data-testid="download" data-state={state}>
      <div>
        <strong>{title}</strong>
        <ol class="phases">
          <li aria-current="step">{COPY.load.phases.download}</li>
          {(['check', 'upload', 'compile', 'warm-up'] as const).map((phase) => (
            <li key={phase}>{COPY.load.phases[phase]}</li>
          ))}
        </ol>
      </div>
      <div class="download-bar">
        <Bar download={download} />
        {state === 'paused' ? (
          <button type="button" onClick={() => void arrival.resume()}>
            {MODELS_COPY.resume}
          </button>
        ) : (
          <button type="button" disabled={state === 'pausing'} onClick={() => void arrival.pause()}>
            {state === 'pausing' ? MODELS_COPY.pausing : MODELS_COPY.pause}
          </button>
        )}
        <button
          type="button"
          class="quiet"
          onClick={() => {
            asked.value = true;
          }}
        >
          {MODELS_COPY.cancel}
        </button>
      </div>
      {asked.value && (
        <Confirm
          title={MODELS_COPY.cancelTitle(id)}
          yes={MODELS_COPY.cancelYes}
          no={MODELS_COPY.cancelNo}
          onNo={() => {
            asked.value = false;
          }}
          onYes={() => {
            asked.value = false;
            void arrival.cancel();
          }}
        >
          <p>{MODELS_COPY.cancelWhat(loaded)}</p>
        </Confirm>
      )}
    </section>
  );
}
