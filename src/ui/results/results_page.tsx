// Draws an experiment's results: what the paper found beside what was found here, a table of every set, comparisons. Every
// number is a link to its questions; an arm that has not been run says so.

import type { ShippedExperiment, ShippedSet } from '../../state/shipped_experiment';
import { questionsAddress } from '../evaluation/lab_address';
import { WideTable } from '../wide_table';
import { accuracyWords, cellWords, pointsWords, probabilityWords, RESULTS_COPY } from './results_copy';

const WORDS = RESULTS_COPY;

interface PartProps {
  readonly results: ShippedExperiment;
}

function Head({ names }: { readonly names: readonly string[] }) {
  return (
    <thead>
      <tr>
        {names.map((name) => (
          <th key={name} scope="col">
            {name}
          </th>
        ))}
      </tr>
    </thead>
  );
}

function Paper({ results }: PartProps) {
  if (results.paper.length === 0) return null;
  return (
    <section class="panel" aria-labelledby="results-paper-title">
      <header class="panel-head">
        <h3 id="results-paper-title">{WORDS.paper}</h3>
      </header>
      <WideTable label={WORDS.paper}>
        <table class="eval-figures" data-testid="results-paper">
          <Head names={[WORDS.finding, WORDS.inPaper, WORDS.set, WORDS.here]} />
          <tbody>
            {results.paper.map(({ says, paper, set, found, arms }) => (
              <tr key={`${says} ${set}`}>
                <th scope="row">{says}</th>
                <td>{paper}</td>
                <td>{set}</td>
                <td>
                  {found === null ? (
                    <span class="hint">{WORDS.notMeasured}</span>
                  ) : (
                    <a href={questionsAddress(results.name, set, arms)}>{found}</a>
                  )}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </WideTable>
    </section>
  );
}

function Arms({ results, set }: PartProps & { readonly set: ShippedSet }) {
  const columns = [
    ...[WORDS.arm, WORDS.right, WORDS.seeds, WORDS.lookedBack, WORDS.scan, WORDS.empty],
    ...[WORDS.late, WORDS.inBack, WORDS.tokens],
  ];
  return (
    <WideTable label={WORDS.setTitle(set.name, set.count)}>
      <table class="eval-figures" data-testid={`results-${set.name}`}>
        <Head names={columns} />
        <tbody>
          {results.arms.map(({ name, says }) => {
            const cell = results.cells.find((own) => own.arm === name && own.set === set.name);
            return (
              <tr key={name}>
                <th scope="row">{says}</th>
                {cell === undefined ? (
                  <td colSpan={columns.length - 1} class="hint">
                    {WORDS.notRun}
                  </td>
                ) : (
                  <>
                    <td>
                      <a href={questionsAddress(results.name, set.name, [name])}>{accuracyWords(cell)}</a>
                    </td>
                    {cellWords(cell).map((words, at) => (
                      <td key={columns[at + 2]}>{words}</td>
                    ))}
                  </>
                )}
              </tr>
            );
          })}
        </tbody>
      </table>
    </WideTable>
  );
}

function Comparisons({ results, set }: PartProps & { readonly set: ShippedSet }) {
  const own = results.comparisons.filter((one) => one.set === set.name);
  const says = new Map(results.arms.map((arm) => [arm.name, arm.says]));
  if (own.length === 0) return null;
  return (
    <WideTable label={`${WORDS.difference}, ${set.name}`}>
      <table class="eval-figures" data-testid={`results-${set.name}-differences`}>
        <Head names={[WORDS.difference, WORDS.points, WORDS.gained, WORDS.lost, WORDS.p, WORDS.seeds]} />
        <tbody>
          {own.map((one) => (
            <tr key={`${one.first} ${one.second}`}>
              <th scope="row">
                {says.get(one.second)} − {says.get(one.first)}
              </th>
              <td>
                <a href={questionsAddress(results.name, set.name, [one.first, one.second])}>
                  {pointsWords(one)}
                </a>
              </td>
              <td>{one.gained}</td>
              <td>{one.lost}</td>
              <td>{probabilityWords(one.p)}</td>
              <td>{one.difference.seeds}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </WideTable>
  );
}

/** The tables. */
export function ResultsPage({ results }: PartProps) {
  return (
    <div class="evaluation" data-testid="results" data-name={results.name}>
      <div>
        <p>{results.question}</p>
        <p class="hint">{WORDS.made(results)}</p>
        {results.missing > 0 && (
          <p class="banner" data-testid="results-missing">
            {WORDS.missing(results)}
          </p>
        )}
        <details>
          <summary>{WORDS.protocol}</summary>
          <dl class="protocol">
            {Object.entries(results.protocol).map(([name, text]) => (
              <div key={name}>
                <dt>{name}</dt>
                <dd>{text}</dd>
              </div>
            ))}
          </dl>
        </details>
      </div>
      <Paper results={results} />
      {results.sets.map((set) => (
        <section key={set.name} class="panel" aria-labelledby={`results-title-${set.name}`}>
          <header class="panel-head">
            <h3 id={`results-title-${set.name}`}>{WORDS.setTitle(set.name, set.count)}</h3>
          </header>
          <Arms results={results} set={set} />
          <Comparisons results={results} set={set} />
          <p class="hint">{WORDS.intervals}</p>
        </section>
      ))}
    </div>
  );
}
