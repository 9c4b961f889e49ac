// Draws how hard the questions are for the model: a bar for each number of right answers, the chosen ones in front, and
// the variance of the outcomes as a line over them. A table says the same.

import type { RolloutBar } from '../../worker/protocol/cold_start';
import { COLD_START_COPY } from './cold_start_copy';

const WORDS = COLD_START_COPY.rollouts;
const [WIDTH, HEIGHT, LEFT, BOTTOM] = [480, 150, 28, 22];

/** Height of the variance of p, drawn so that its greatest, one quarter, is the height of the chart. */
export function variancePoints(asked: number, width: number, height: number): string {
  return Array.from({ length: 41 }, (_, at) => {
    const p = at / 40;
    const x = ((p * asked + 0.5) / (asked + 1)) * width;
    return `${x.toFixed(1)},${(height - 4 * p * (1 - p) * height).toFixed(1)}`;
  }).join(' ');
}

function Bars({ bars }: { readonly bars: readonly RolloutBar[] }) {
  const most = Math.max(1, ...bars.map(({ problems }) => problems));
  const [width, height] = [WIDTH - LEFT, HEIGHT - BOTTOM];
  const step = width / bars.length;
  const every = Math.ceil(bars.length / 14);
  return (
    <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} class="difficulty" aria-hidden="true">
      <text x={LEFT - 4} y={10} text-anchor="end">
        {most}
      </text>
      <text x={LEFT - 4} y={height} text-anchor="end">
        0
      </text>
      <g transform={`translate(${LEFT} 0)`}>
        {bars.map(({ right, problems, chosen }) => (
          <g key={right} transform={`translate(${right * step} 0)`}>
            <rect
              class="bar-all"
              x={step * 0.1}
              width={step * 0.8}
              y={height * (1 - problems / most)}
              height={(height * problems) / most}
            />
            <rect
              class="bar-chosen"
              x={step * 0.25}
              width={step * 0.5}
              y={height * (1 - chosen / most)}
              height={(height * chosen) / most}
            />
            {right % every === 0 && (
              <text x={step / 2} y={height + 16} text-anchor="middle">
                {right}
              </text>
            )}
          </g>
        ))}
        <polyline class="variance" points={variancePoints(bars.length - 1, width, height)} />
        <line class="axis" x2={width} y1={height} y2={height} />
      </g>
    </svg>
  );
}

/** The chart with its words and its table. */
export function DifficultyChart({ bars }: { readonly bars: readonly RolloutBar[] }) {
  return (
    <figure class="difficulty-figure">
      <figcaption>
        {WORDS.chart}
        <span class="key key-all">{WORDS.problems}</span>
        <span class="key key-chosen">{WORDS.chosen}</span>
      </figcaption>
      <Bars bars={bars} />
      <p class="hint">{WORDS.chartWhy}</p>
      <table class="visually-hidden" data-testid="cold-difficulty">
        <caption>{WORDS.chart}</caption>
        <thead>
          <tr>
            <th scope="col">{WORDS.right}</th>
            <th scope="col">{WORDS.problems}</th>
            <th scope="col">{WORDS.chosen}</th>
          </tr>
        </thead>
        <tbody>
          {bars.map(({ right, problems, chosen }) => (
            <tr key={right}>
              <th scope="row">{right}</th>
              <td>{problems}</td>
              <td>{chosen}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </figure>
  );
}
