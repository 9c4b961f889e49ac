// Draws the verdict on a model before anything of it is downloaded: what it takes by part and by precision, whether that
// fits, what limits it and which control to change; and the button that brings it.

import { formatBytes } from '../../lib/format';
import type { Arrival } from '../../state/arrival';
import type { QualityState } from '../../state/model_quality';
import type { ModelFit } from '../../worker/protocol/models';
import { Icon } from '../icons';
import { useLook } from '../look/look_context';
import { MODELS_COPY, verdictWords } from './models_copy';
import { QualityPanel } from './quality_panel';

const PRECISIONS = ['bf16', 'int8', 'int4'] as const;
const IMAGE_TOKENS = [128, 256, 512, 1024, 2048, 4096, 8192, 16_384];
const CONTEXTS = [512, 1024, 2048, 4096, 8192, 16_384, 32_768];

interface NumberChoiceProps {
  readonly label: string;
  readonly value: number;
  readonly values: readonly number[];
  readonly hint: string;
  readonly set: (value: number) => void;
}

function NumberChoice({ label, value, values, hint, set }: NumberChoiceProps) {
  return (
    <label class="field">
      {label}
      <select value={String(value)} onChange={(event) => set(Number(event.currentTarget.value))}>
        {values.map((number) => (
          <option key={number} value={String(number)}>
            {number.toLocaleString('en')}
          </option>
        ))}
      </select>
      <span class="hint">{hint}</span>
    </label>
  );
}

function Controls({ arrival, fit }: { readonly arrival: Arrival; readonly fit: ModelFit }) {
  const size = arrival.size.value;
  return (
    <div class="fit-controls">
      <label class="field">
        {MODELS_COPY.precision}
        <select
          value={size.precision ?? ''}
          onChange={(event) => {
            const chosen = PRECISIONS.find((one) => one === event.currentTarget.value);
            void arrival.resize({ precision: chosen ?? null });
          }}
        >
          <option value="">
            {size.precision === null
              ? MODELS_COPY.precisionAuto(fit.precision)
              : MODELS_COPY.precisionAuto('by size')}
          </option>
          {PRECISIONS.map((precision) => (
            <option key={precision} value={precision}>
              {MODELS_COPY.precisions[precision]}
            </option>
          ))}
        </select>
      </label>
      <NumberChoice
        label={MODELS_COPY.imageTokens}
        value={size.maxImageTokens}
        values={IMAGE_TOKENS}
        hint={fit.pixelsPerImage === null ? '' : MODELS_COPY.pixels(fit.pixelsPerImage)}
        set={(maxImageTokens) => void arrival.resize({ maxImageTokens })}
      />
      <NumberChoice
        label={MODELS_COPY.context}
        value={size.context}
        values={CONTEXTS}
        hint={MODELS_COPY.contextWhy}
        set={(context) => void arrival.resize({ context })}
      />
    </div>
  );
}

function Parts({ fit }: { readonly fit: ModelFit }) {
  if (fit.parts.length === 0) return null;
  return (
    <table class="fit-parts">
      <caption>{MODELS_COPY.partsTitle}</caption>
      <tbody>
        {fit.parts.map(({ name, bytes }) => (
          <tr key={name}>
            <th scope="row">{MODELS_COPY.parts[name]}</th>
            <td>{formatBytes(bytes)}</td>
          </tr>
        ))}
      </tbody>
      <tfoot>
        <tr>
          <th scope="row">{MODELS_COPY.together}</th>
          <td>{formatBytes(fit.bytes)}</td>
        </tr>
      </tfoot>
    </table>
  );
}

/** From so many parameters on, an answer in software takes minutes: a billion operations a second, 2 per parameter and token. */
const SLOW_PARAMETERS = 1e8;

function Verdict({ fit }: { readonly fit: ModelFit }) {
  const look = useLook();
  const slow = look.session.value.device?.software === true && fit.parameters >= SLOW_PARAMETERS;
  const { fits, tight, downloadBytes, freeBytes } = fit;
  const { headline, rest } = verdictWords(fit);
  return (
    <>
      <p class="fit-verdict" data-testid="fit" data-fits={String(fits)} data-tight={String(tight)}>
        <Icon name={fits && !tight ? 'answer' : 'warning'} />
        <span>
          <strong>{headline}</strong> {rest}
        </span>
      </p>
      {slow && <p class="hint">{MODELS_COPY.software}</p>}
      <Parts fit={fit} />
      <p class="hint">
        {MODELS_COPY.weightsBy(fit.weightBytes)} {MODELS_COPY.cachePerToken(fit.cacheBytesPerToken)}.
      </p>
      <p class="hint">
        {downloadBytes === 0
          ? MODELS_COPY.nothingToDownload
          : freeBytes !== null && freeBytes < downloadBytes
            ? MODELS_COPY.noRoom(downloadBytes, freeBytes)
            : MODELS_COPY.toDownload(downloadBytes, freeBytes)}
      </p>
    </>
  );
}

interface BringProps {
  readonly arrival: Arrival;
  readonly fit: ModelFit;
  /** Whether it is the model that is loaded. */
  readonly loaded: boolean;
}

/** The button that brings what is chosen, and where to go once it is there. */
function Bring({ arrival, fit, loaded }: BringProps) {
  const look = useLook();
  const full = fit.freeBytes !== null && fit.freeBytes < fit.downloadBytes;
  const waiting =
    arrival.download.value?.state === 'downloading'
      ? MODELS_COPY.waitDownload
      : look.loading.value
        ? MODELS_COPY.waitLoad
        : null;
  const load = loaded ? MODELS_COPY.loadAgain : MODELS_COPY.load;
  const download = fit.fits ? MODELS_COPY.bring : MODELS_COPY.bringAnyway;
  return (
    <div class="fit-actions">
      <button
        type="button"
        class={loaded || !fit.fits ? undefined : 'primary'}
        data-testid="bring"
        disabled={full || arrival.judging.value}
        aria-disabled={waiting !== null}
        onClick={() => {
          // The button that was pressed keeps the focus while it has to wait.
          if (waiting === null) void arrival.bring();
        }}
      >
        {fit.downloadBytes > 0 ? download(fit.downloadBytes) : load}
      </button>
      {waiting !== null && <span class="hint">{waiting}</span>}
      {loaded && (
        <span>
          {MODELS_COPY.loaded} <a href="#/look">{MODELS_COPY.ask}</a>
        </span>
      )}
    </div>
  );
}

/** What is chosen with its verdict, and the way to it. */
export function FitPanel({
  arrival,
  quality,
}: {
  readonly arrival: Arrival;
  readonly quality: QualityState;
}) {
  const look = useLook();
  const chosen = arrival.chosen.value;
  const fit = arrival.fit.value;
  const label = look.models.value.find(({ id }) => id === chosen?.id)?.label;
  const loaded = chosen !== null && look.session.value.model?.entry.id === chosen.id;
  return (
    <section class="panel fit-panel" aria-labelledby="fit-title" aria-busy={arrival.judging.value}>
      <h3 id="fit-title">{chosen === null ? MODELS_COPY.verdict : (label ?? chosen.id)}</h3>
      {chosen === null && <p class="empty">{MODELS_COPY.nothing}</p>}
      {chosen !== null && fit === null && (
        <p class="empty">{arrival.judging.value ? MODELS_COPY.judging : MODELS_COPY.unjudged}</p>
      )}
      {chosen !== null && fit !== null && (
        <>
          <p class="hint">
            {MODELS_COPY.facts(fit)}
            {chosen.source === 'hub' && (
              <>
                {', '}
                <a
                  href={new URL(chosen.id, arrival.hub.value.address).href}
                  target="_blank"
                  rel="noreferrer noopener"
                >
                  {MODELS_COPY.licence}
                </a>
              </>
            )}
          </p>
          <Controls arrival={arrival} fit={fit} />
          <Verdict fit={fit} />
          <Bring {...{ arrival, fit, loaded }} />
          {loaded && <QualityPanel quality={quality} />}
        </>
      )}
    </section>
  );
}
