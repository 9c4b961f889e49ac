// Draws what the precision of the loaded model costs, measured when somebody asks for it: errors of the weights by their
// part of the model, the largest of them, and how far the answers move.

import type { QualityState } from '../../state/model_quality';
import type { ModelQuality } from '../../worker/protocol/models';
import { COPY } from '../copy';
import { Notice } from '../notice';
import { QUALITY_COPY } from './quality_copy';

function Progress({ quality }: { readonly quality: QualityState }) {
  const progress = quality.progress.value;
  if (progress === null) return null;
  const { phase, done, total } = progress;
  const words = QUALITY_COPY.phases[phase](done, total);
  return (
    <div class="quality-progress">
      <progress aria-label={QUALITY_COPY.title} {...(total === 0 ? {} : { value: done, max: total })} />
      <span class="hint" data-testid="quality-progress">
        {words}
      </span>
      <button type="button" class="quiet" onClick={quality.cancel}>
        {COPY.load.cancel}
      </button>
    </div>
  );
}

function Roles({ result }: { readonly result: ModelQuality }) {
  return (
    <table class="quality-roles">
      <caption>{QUALITY_COPY.rolesTitle}</caption>
      <thead>
        <tr>
          {QUALITY_COPY.columns.map((column) => (
            <th key={column} scope="col">
              {column}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {result.roles.map(({ role, formats, elements, relative }) => (
          <tr key={role}>
            <th scope="row">{QUALITY_COPY.roles[role]}</th>
            <td>{formats.join(', ')}</td>
            <td>{QUALITY_COPY.count(elements)}</td>
            <td>{QUALITY_COPY.relative(relative)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Result({ result }: { readonly result: ModelQuality }) {
  const { precision, relative, worst, logits, leftOut } = result;
  return (
    <div class="quality-result" data-testid="quality-result">
      <p>{QUALITY_COPY.whole(precision, relative)}</p>
      <Roles result={result} />
      <details>
        <summary>{QUALITY_COPY.worst(worst.length)}</summary>
        <ol class="quality-worst">
          {worst.map(({ name, format, relative: error }) => (
            <li key={name}>
              <span class="mono">{name}</span> {format} {QUALITY_COPY.relative(error)}
            </li>
          ))}
        </ol>
      </details>
      {logits === null ? <p>{leftOut}</p> : <p>{QUALITY_COPY.logits(logits)}</p>}
      <p class="hint">{QUALITY_COPY.definitions}</p>
    </div>
  );
}

/** The panel of the model that is loaded. */
export function QualityPanel({ quality }: { readonly quality: QualityState }) {
  const result = quality.result.value;
  const error = quality.error.value;
  const measuring = quality.progress.value !== null;
  return (
    <section class="quality-panel" aria-labelledby="quality-title" aria-busy={measuring}>
      <h4 id="quality-title">{QUALITY_COPY.title}</h4>
      {error !== null && <Notice compact error={error} retry={() => void quality.measure()} />}
      {result === null && !measuring && (
        <p class="hint">{quality.overtaken.value ? QUALITY_COPY.overtaken : QUALITY_COPY.about}</p>
      )}
      {result !== null && <Result result={result} />}
      {measuring ? (
        <Progress quality={quality} />
      ) : (
        <button type="button" data-testid="measure-quality" onClick={() => void quality.measure()}>
          {result === null ? QUALITY_COPY.measure : QUALITY_COPY.again}
        </button>
      )}
    </section>
  );
}
