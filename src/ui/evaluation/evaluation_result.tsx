// Draws one evaluation: how far it is, the figures of its sides, their comparison, the curves of attention, and its
// questions. While it runs, everything is over what is answered so far.

import { useEffect } from 'preact/hooks';
import type { Evaluations } from '../../state/evaluations';
import type { EvaluationView } from '../../worker/protocol/evaluation';
import { AttentionCurve } from '../chart/attention_curve';
import { download, fileName } from '../download';
import { Opening } from '../lazy_page';
import { useLook } from '../look/look_context';
import { WideTable } from '../wide_table';
import {
  differenceWords,
  doneWords,
  EVALUATION_COPY,
  FIGURES,
  percent,
  planWords,
  probabilityWords,
  sideWords,
  workWords,
} from './evaluation_copy';
import { ItemList } from './item_list';

const WORDS = EVALUATION_COPY;

interface ResultProps {
  readonly evaluations: Evaluations;
  readonly view: EvaluationView;
}

/** Names of the sides, told apart also where they are equal. */
function sideNames({ plan }: EvaluationView): string[] {
  const names = plan.sides.map(sideWords);
  return names[0] === names[1] ? names.map((name, at) => `${name} (${at + 1})`) : names;
}

function Exports({ evaluations, view }: ResultProps) {
  const save = async (form: 'json' | 'csv') => {
    const blob = await evaluations.exportFile(form);
    if (blob === null) return;
    download(blob, fileName(`evaluation-${view.modelId}`, form === 'json' ? 'zip' : 'csv'));
  };
  const none = view.done.every((count) => count === 0);
  return (
    <>
      {(['json', 'csv'] as const).map((form) => (
        <button
          key={form}
          type="button"
          class="quiet"
          data-testid={`eval-export-${form}`}
          disabled={none}
          onClick={() => void save(form)}
        >
          {form === 'json' ? WORDS.run.exportJson : WORDS.run.exportCsv}
        </button>
      ))}
    </>
  );
}

function Progress({ evaluations, view }: ResultProps) {
  const look = useLook();
  const work = evaluations.work.value;
  const whole = view.done.every((count) => count >= view.plan.count);
  const here = look.session.value.model?.entry.id === view.modelId;
  if (work !== null && work.id === view.id) {
    const words = workWords(work);
    return (
      <div class="eval-progress">
        <progress aria-label={words} value={work.done} max={work.total} />
        <span class="hint" data-testid="eval-work">
          {words}
        </span>
        <button type="button" data-testid="eval-pause" onClick={() => void evaluations.pause()}>
          {WORDS.run.pause}
        </button>
        <Exports evaluations={evaluations} view={view} />
      </div>
    );
  }
  return (
    <div class="eval-progress">
      <span data-testid="eval-state" data-whole={whole}>
        {doneWords(view)}.{' '}
        {whole ? WORDS.run.whole : here ? WORDS.run.paused : WORDS.run.elsewhere(view.modelId)}
      </span>
      {!whole && (
        <button
          type="button"
          class="primary"
          data-testid="eval-go-on"
          disabled={!here || work !== null}
          onClick={() => void evaluations.run(view.id)}
        >
          {WORDS.run.goOn}
        </button>
      )}
      <Exports evaluations={evaluations} view={view} />
    </div>
  );
}

function Figures({ view }: { readonly view: EvaluationView }) {
  const names = sideNames(view);
  const rows = FIGURES.map(({ name, of }) => ({
    name,
    cells: view.sides.map((side) => side.report && of(side.report, side)),
  })).filter(({ cells }) => cells.some((cell) => cell !== null));
  return (
    <section class="panel" aria-labelledby="eval-figures-title">
      <header class="panel-head">
        <h3 id="eval-figures-title">{WORDS.figures}</h3>
      </header>
      <WideTable label={WORDS.figures}>
        <table class="eval-figures" data-testid="eval-figures">
          <thead>
            <tr>
              <th scope="col">{WORDS.figure}</th>
              {names.map((name) => (
                <th key={name} scope="col">
                  {name}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.map(({ name, cells }) => (
              <tr key={name}>
                <th scope="row">{name}</th>
                {cells.map((cell, at) => (
                  <td key={names[at]}>{cell ?? '–'}</td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </WideTable>
      {view.sides.some(({ report }) => report !== null && report.intervention !== null) && (
        <p class="hint">{WORDS.looksWhy}</p>
      )}
      <p class="hint">{WORDS.flipsWhy}</p>
      <p class="hint">{WORDS.intervals}</p>
    </section>
  );
}

function Comparison({ view }: { readonly view: EvaluationView }) {
  const { comparison } = view;
  if (comparison === null) return null;
  const rows = [[WORDS.all, comparison.all] as const, ...Object.entries(comparison.byKind)];
  return (
    <section class="panel" aria-labelledby="eval-comparison-title">
      <header class="panel-head">
        <h3 id="eval-comparison-title">{WORDS.comparison}</h3>
      </header>
      <WideTable label={WORDS.comparison}>
        <table class="eval-figures" data-testid="eval-comparison">
          <thead>
            <tr>
              {[
                ...[WORDS.kind, WORDS.questions, ...sideNames(view), WORDS.difference],
                ...[WORDS.gained, WORDS.lost, WORDS.p],
              ].map((name) => (
                <th key={name} scope="col">
                  {name}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.map(([kind, own]) => (
              <tr key={kind}>
                <th scope="row">{kind}</th>
                <td>{own.count}</td>
                <td>{percent(own.first)}</td>
                <td>{percent(own.second)}</td>
                <td>{differenceWords(own)}</td>
                <td>{own.gained}</td>
                <td>{own.lost}</td>
                <td>{probabilityWords(own)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </WideTable>
    </section>
  );
}

function Kinds({ view }: { readonly view: EvaluationView }) {
  const names = sideNames(view);
  const kinds = [...new Set(view.sides.flatMap(({ report }) => Object.keys(report?.byKind ?? {})))].sort();
  if (kinds.length < 2) return null;
  return (
    <section class="panel" aria-labelledby="eval-kinds-title">
      <header class="panel-head">
        <h3 id="eval-kinds-title">{WORDS.byKind}</h3>
      </header>
      <WideTable label={WORDS.byKind}>
        <table class="eval-figures" data-testid="eval-kinds">
          <thead>
            <tr>
              <th scope="col">{WORDS.kind}</th>
              {names.map((name) => [
                <th key={name} scope="col">{`${name}: ${WORDS.right.toLowerCase()}`}</th>,
                <th key={`${name} back`} scope="col">
                  {WORDS.lookedBack}
                </th>,
              ])}
            </tr>
          </thead>
          <tbody>
            {kinds.map((kind) => (
              <tr key={kind}>
                <th scope="row">{kind}</th>
                {view.sides.map(({ report }, at) => {
                  const own = report?.byKind[kind];
                  return [
                    <td key={names[at]}>
                      {own === undefined ? '–' : `${percent(own.accuracy.mean)} of ${own.count}`}
                    </td>,
                    <td key={`${names[at]} back`}>{own === undefined ? '–' : percent(own.triggerRate)}</td>,
                  ];
                })}
              </tr>
            ))}
          </tbody>
        </table>
      </WideTable>
    </section>
  );
}

function Curves({ view }: { readonly view: EvaluationView }) {
  const names = sideNames(view);
  const curvesOf = (which: 'decay' | 'aroundBack') =>
    view.sides.flatMap(({ report }, at) =>
      report === null || report[which].mean.length === 0
        ? []
        : [{ name: names[at] ?? '', points: report[which] }],
    );
  const words = { yLabel: WORDS.shareAxis, tableLabel: WORDS.curveTable, countLabel: WORDS.answersThere };
  const around = curvesOf('aroundBack');
  return (
    <section class="panel" aria-labelledby="eval-curves-title">
      <header class="panel-head">
        <h3 id="eval-curves-title">{WORDS.curves}</h3>
      </header>
      <div class="eval-curves">
        <AttentionCurve title={WORDS.decay} xLabel={WORDS.decayAxis} curves={curvesOf('decay')} {...words} />
        {around.length === 0 ? (
          <p class="hint">{WORDS.curveNone}</p>
        ) : (
          <AttentionCurve title={WORDS.around} xLabel={WORDS.aroundAxis} curves={around} {...words} />
        )}
      </div>
    </section>
  );
}

/** What is said while nothing is shown: it is fetched, or it is gone. */
function Absent({ evaluations, id }: { readonly evaluations: Evaluations; readonly id: string }) {
  const list = evaluations.list.value;
  const gone = list !== null && !list.some((one) => one.id === id);
  return gone ? <p class="empty">{WORDS.run.gone}</p> : <Opening />;
}

/** The evaluation that the address names. */
export function EvaluationResult({
  evaluations,
  id,
}: {
  readonly evaluations: Evaluations;
  readonly id: string;
}) {
  useEffect(() => {
    void evaluations.show(id);
    return () => void evaluations.show(null);
  }, [evaluations, id]);
  const view = evaluations.shown.value;
  if (view === null) return <Absent evaluations={evaluations} id={id} />;
  const answered = view.sides.some(({ report }) => report !== null);
  return (
    <div class="evaluation" data-testid="evaluation" data-done={view.done.join(' ')}>
      <p>
        {planWords(view)}. <span class="hint">{view.device}</span>
      </p>
      <Progress evaluations={evaluations} view={view} />
      {answered && (
        <>
          <Figures view={view} />
          <Comparison view={view} />
          <Curves view={view} />
          <Kinds view={view} />
          <ItemList evaluations={evaluations} plan={view.plan} />
        </>
      )}
    </div>
  );
}
