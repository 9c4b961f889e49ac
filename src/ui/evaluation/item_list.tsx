// Draws the questions of an evaluation one by one: a table by filter, page by page, and a dialog with a question's picture,
// both whole answers, and the way to the Look page.

import { expectedWords } from '../../answer/expected_answers';
import { EVALUATION_SETTINGS, questionSeed } from '../../settings/evaluation_settings';
import type { Evaluations, ListedItems } from '../../state/evaluations';
import type {
  EvaluationAnswer,
  EvaluationFilter,
  EvaluationItemView,
  EvaluationPlan,
} from '../../worker/protocol/evaluation';
import { BlobImage } from '../blob_image';
import { Modal } from '../confirm';
import { useLook } from '../look/look_context';
import { Pager } from '../pager';
import { AnswerText, Verdict } from '../train/answer_text';
import { WideTable } from '../wide_table';
import { EVALUATION_COPY, sideWords } from './evaluation_copy';
import { openInLook } from './open_in_look';

const WORDS = EVALUATION_COPY.items;
const PICTURE_SIZE = 192;
/** Rows that the engine gives at once. */
const PAGE = 50;

interface ItemsProps {
  readonly evaluations: Evaluations;
  readonly plan: EvaluationPlan;
}

function Answer({ answer }: { readonly answer: EvaluationAnswer | null }) {
  if (answer === null) return <span class="hint">{WORDS.notAsked}</span>;
  const flip = answer.flip === null ? '' : WORDS.flips[answer.flip];
  return (
    <>
      {answer.answer ?? WORDS.noBox} <Verdict correct={answer.correct} />
      {flip !== '' && <span class="hint"> {flip}</span>}
    </>
  );
}

function Rows({ evaluations, plan, listed }: ItemsProps & { readonly listed: ListedItems }) {
  return (
    <WideTable label={WORDS.title}>
      <table class="eval-items" data-testid="eval-items">
        <thead>
          <tr>
            <th scope="col">{WORDS.question}</th>
            <th scope="col">{WORDS.expected}</th>
            {plan.sides.map((side, at) => (
              <th key={at === 0 ? 'first' : 'second'} scope="col">
                {sideWords(side)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {listed.rows.map(({ index, question, expected, answers }) => (
            <tr key={index} data-testid="eval-item" data-index={index}>
              <td>
                <button
                  type="button"
                  class="quiet-link"
                  aria-label={`${WORDS.open(index)}: ${question}`}
                  onClick={() => void evaluations.openItem(index)}
                >
                  {question}
                </button>
              </td>
              <td>{expectedWords(expected)}</td>
              {answers.map((answer, at) => (
                <td key={at === 0 ? 'first' : 'second'}>
                  <Answer answer={answer} />
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </WideTable>
  );
}

const OWN = EVALUATION_SETTINGS.look.default;

/**
 * Whether both sides differ in the adapter alone, one has none, and both wrote their own looks: then the Look page can ask
 * both side by side.
 */
function comparedSide({ sides }: EvaluationPlan): EvaluationPlan['sides'][number] | null {
  const [first, second] = sides;
  if (first === undefined || second === undefined || first.mode !== second.mode) return null;
  if ([first, second].some(({ look = OWN }) => look !== OWN)) return null;
  const adapted = [first, second].filter(({ adapter }) => adapter !== null);
  return adapted.length === 1 ? (adapted[0] ?? null) : null;
}

function Item({ evaluations, plan, item }: ItemsProps & { readonly item: EvaluationItemView }) {
  const look = useLook();
  const { index, question, expected, answers, texts, image, imageName } = item;
  const close = () => void evaluations.openItem(null);
  const compared = comparedSide(plan);
  const open = (side: EvaluationPlan['sides'][number], comparing: boolean) => {
    close();
    const { temperature = 0, samplingSeed = 0 } = plan;
    const seed = questionSeed(samplingSeed, index);
    void openInLook(look, item, side, comparing, temperature === 0 ? { temperature } : { temperature, seed });
  };
  return (
    <Modal title={WORDS.open(index)} onClose={close}>
      <div class="eval-question">
        <BlobImage blob={image} alt={WORDS.picture(imageName)} size={PICTURE_SIZE} />
        <p>
          {question} <span class="hint">{`${WORDS.expected}: ${expectedWords(expected)}`}</span>
        </p>
      </div>
      {plan.sides.map((side, at) => (
        <section key={at === 0 ? 'first' : 'second'} data-testid="eval-answer">
          <h3>{sideWords(side)}</h3>
          <p>
            <Answer answer={answers[at] ?? null} />
          </p>
          {texts[at] != null && <AnswerText text={texts[at] ?? ''} />}
          <button type="button" class="quiet" data-testid="eval-look" onClick={() => open(side, false)}>
            {WORDS.look}
          </button>
          {side.look !== undefined && side.look !== OWN && <span class="hint"> {WORDS.ownLooks}</span>}
        </section>
      ))}
      <p class="pager">
        {compared !== null && (
          <button type="button" onClick={() => open(compared, true)}>
            {WORDS.compare}
          </button>
        )}
        <button type="button" data-testid="eval-close" onClick={close}>
          {WORDS.close}
        </button>
      </p>
    </Modal>
  );
}

/** The list with its filter. */
export function ItemList({ evaluations, plan }: ItemsProps) {
  const listed = evaluations.items.value;
  const item = evaluations.item.value;
  const filters = (Object.keys(WORDS.filters) as EvaluationFilter[]).filter(
    (name) => name !== 'discordant' || plan.sides.length > 1,
  );
  return (
    <section class="panel" aria-labelledby="eval-items-title">
      <header class="panel-head">
        <h3 id="eval-items-title">{WORDS.title}</h3>
        <label class="check">
          {WORDS.filter}{' '}
          <select
            data-testid="eval-filter"
            value={listed?.filter ?? 'all'}
            onChange={(event) => void evaluations.listItems(event.currentTarget.value as EvaluationFilter, 0)}
          >
            {filters.map((name) => (
              <option key={name} value={name}>
                {WORDS.filters[name]}
              </option>
            ))}
          </select>
        </label>
      </header>
      {listed !== null && listed.rows.length === 0 && <p class="empty">{WORDS.none}</p>}
      {listed !== null && listed.rows.length > 0 && (
        <>
          <Rows {...{ evaluations, plan, listed }} />
          <Pager
            offset={listed.offset}
            total={listed.total}
            page={PAGE}
            show={(offset) => void evaluations.listItems(listed.filter, offset)}
          />
        </>
      )}
      {item !== null && <Item {...{ evaluations, plan, item }} />}
    </section>
  );
}
