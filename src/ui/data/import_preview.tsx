// Shows what an import found before it is kept: columns matched, every problem, the first rows, a name, and the
// consent. The button says how many rows are left out and how many are kept.

import { guessOptionColumns } from '../../data/dataset/question_options';
import type { Datasets } from '../../state/datasets';
import type { DatasetPreview } from '../../worker/protocol/library';
import { BlobImage } from '../blob_image';
import { ProblemBox, ProblemItems } from '../problem_list';
import { DATA_COPY, foundSentence, keepWords, problemCount } from './data_copy';

interface PreviewProps {
  readonly datasets: Datasets;
  readonly preview: DatasetPreview;
}

const FIELDS = ['image', 'question', 'answer', 'response', 'system'] as const;
/** What the first rows show. */
const SHOWN = FIELDS.slice(0, 4);
/** Joins names of columns for a choice; no name of a column holds it. */
const JOINT = '\u0000';

/** Which column holds the options: one of all, or the group that was found, one for each. */
function OptionsField({ datasets, preview }: PreviewProps) {
  const { columns, mapping } = preview;
  const group = guessOptionColumns(columns);
  return (
    <label class="field">
      <span>
        {DATA_COPY.columns.options} ({DATA_COPY.needs.options})
      </span>
      <select
        name="options"
        data-testid="map-options"
        value={mapping.options.join(JOINT)}
        onChange={({ currentTarget: { value } }) =>
          void datasets.map({ options: value === '' ? [] : value.split(JOINT) })
        }
      >
        <option value="">{DATA_COPY.noColumn}</option>
        {group.length > 1 && <option value={group.join(JOINT)}>{group.join(', ')}</option>}
        {columns.map((column) => (
          <option key={column} value={column}>
            {column}
          </option>
        ))}
      </select>
    </label>
  );
}

/** The choice among splits; nothing for a set without. */
function SplitField({ datasets, preview }: PreviewProps) {
  if (preview.splits.length === 0) return null;
  return (
    <label class="field">
      <span>{DATA_COPY.split}</span>
      <select
        name="split"
        data-testid="data-split"
        value={preview.split}
        onChange={(event) => void datasets.chooseSplit(event.currentTarget.value)}
      >
        {preview.splits.map(({ name, rows }) => (
          <option key={name} value={name}>
            {DATA_COPY.splitRows(name, rows)}
          </option>
        ))}
      </select>
    </label>
  );
}

function Mapping({ datasets, preview }: PreviewProps) {
  return (
    <fieldset class="mapping">
      <legend>{DATA_COPY.mapping}</legend>
      {FIELDS.map((field) => (
        <label key={field} class="field">
          <span>
            {DATA_COPY.columns[field]} ({DATA_COPY.needs[field]})
          </span>
          <select
            name={field}
            data-testid={`map-${field}`}
            value={preview.mapping[field] ?? ''}
            onChange={(event) => void datasets.map({ [field]: event.currentTarget.value || null })}
          >
            <option value="">{DATA_COPY.noColumn}</option>
            {preview.columns.map((column) => (
              <option key={column} value={column}>
                {column}
              </option>
            ))}
          </select>
        </label>
      ))}
      <OptionsField datasets={datasets} preview={preview} />
    </fieldset>
  );
}

/** Warnings by kind; a kind that was dismissed is not shown. */
function Warnings({ datasets, preview }: PreviewProps) {
  const dismissed = datasets.dismissed.value;
  const kinds = [...new Set(preview.warnings.map(({ kind }) => kind))].filter((kind) => !dismissed.has(kind));
  if (kinds.length === 0) return null;
  return (
    <ProblemBox id="warnings-title" title={DATA_COPY.warnings} icon="info" testId="data-warnings">
      {kinds.map((kind) => (
        <section key={kind} aria-label={DATA_COPY.warningKinds[kind]} data-kind={kind}>
          <p>
            {DATA_COPY.warningKinds[kind]}{' '}
            <button
              type="button"
              class="quiet"
              aria-label={`${DATA_COPY.dismiss}: ${DATA_COPY.warningKinds[kind]}`}
              onClick={() => datasets.dismiss(kind)}
            >
              {DATA_COPY.dismiss}
            </button>
          </p>
          <ProblemItems problems={preview.warnings.filter((warning) => warning.kind === kind)} />
        </section>
      ))}
      {preview.moreWarnings > 0 && <p>{DATA_COPY.problemsMore(preview.moreWarnings)}</p>}
    </ProblemBox>
  );
}

function Problems({ preview }: { readonly preview: DatasetPreview }) {
  if (problemCount(preview) === 0) return null;
  return (
    <ProblemBox id="problems-title" title={DATA_COPY.problems} icon="warning" testId="data-problems">
      <ProblemItems problems={preview.problems} more={preview.moreProblems} />
    </ProblemBox>
  );
}

function Sample({ preview }: { readonly preview: DatasetPreview }) {
  if (preview.sample.length === 0) return null;
  return (
    <section
      class="table-scroll sample"
      aria-label={DATA_COPY.sample}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region must be reachable by keyboard
      tabIndex={0}
    >
      <table>
        <caption>{DATA_COPY.sample}</caption>
        <thead>
          <tr>
            {SHOWN.map((field) => (
              <th key={field} scope="col">
                {DATA_COPY.columns[field]}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {preview.sample.map((row, i) => (
            <tr key={`${i}:${row.imageName}`}>
              <td>
                <BlobImage blob={row.image} alt={row.imageName} size={48} />
              </td>
              <td>{row.question}</td>
              <td>{row.answer}</td>
              <td class="response">{row.response ?? <span class="hint">{DATA_COPY.noResponse}</span>}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

/** The preview; nothing when there is none. */
export function ImportPreview({ datasets }: { readonly datasets: Datasets }) {
  const preview = datasets.preview.value;
  if (preview === null) return null;
  return (
    <section
      class="preview"
      aria-labelledby="preview-title"
      data-testid="data-preview"
      data-rows={preview.rows}
      data-problems={problemCount(preview)}
    >
      <h4 id="preview-title">{DATA_COPY.preview}</h4>
      <p>{foundSentence(preview)}</p>
      <SplitField datasets={datasets} preview={preview} />
      <Mapping datasets={datasets} preview={preview} />
      <Problems preview={preview} />
      <Warnings datasets={datasets} preview={preview} />
      <Sample preview={preview} />
      {preview.rows === 0 && <p class="hint">{DATA_COPY.noRows}</p>}
      <form
        class="keep"
        onSubmit={(event) => {
          event.preventDefault();
          void datasets.keep();
        }}
      >
        <label class="field">
          {DATA_COPY.name}
          <input
            type="text"
            maxLength={120}
            required
            data-testid="data-name"
            value={datasets.name.value}
            onInput={(event) => datasets.setName(event.currentTarget.value)}
          />
        </label>
        <button type="submit" class="primary" data-testid="data-keep" disabled={!datasets.canKeep.value}>
          {keepWords(preview)}
        </button>
        <button type="button" onClick={datasets.discard}>
          {DATA_COPY.discard}
        </button>
      </form>
    </section>
  );
}
