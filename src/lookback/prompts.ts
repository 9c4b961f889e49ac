// Says which words ask for which mode of reasoning: data beside a model (`lookback.json`), or the paper's for real
// models. The instruction follows the question in the user turn, one space between them (the official evaluation's
// version `back`); the plain baselines of the paper put theirs into the system turn instead (version `grpo`).

import { BACK_TAGS, inLookWords, type LookTags } from '../answer/look_tags';
import { ModelError } from '../lib/errors';
import { JsonReader } from '../lib/json_reader';
import { REASONING_MODES, type ReasoningMode } from '../settings/reasoning_modes';

/** The words of one mode. */
export interface ModePrompt {
  /** Appended to the question after one space; empty for nothing. */
  readonly suffix: string;
  /** Replaces the template's own system message. */
  readonly system?: string;
}

/** What `lookback.json` says about a model. */
export interface LookBackPrompts {
  readonly modes: Readonly<Partial<Record<ReasoningMode, ModePrompt>>>;
  /** Cells per side of the square that the model sees; absent for models of pictures of any shape. */
  readonly grid?: number;
  /** One sentence on what the model can see. */
  readonly knows: string;
  /** Tokens that its longest answers need. */
  readonly maxNewTokens: number;
}

const THINK_FIRST =
  'You FIRST think about the reasoning process as an internal monologue and then provide the final answer. ' +
  'The reasoning process MUST BE enclosed within <think> </think> tags';
const BOX = 'The final answer MUST BE put in \\boxed{}';

/**
 * The paper's instructions, verbatim: plain is EasyR1's, cot and semantic the attention study's, solution the evaluation
 * script's, double space included.
 *
 * @source Look-Back repository: eval/scripts/Semantic-back-eval.sh:12, Solution-back-eval.sh:12,
 *   vis_demo/att_trend_viz.py:313-318; EasyR1 examples/format_prompt/math.jinja
 */
export const PAPER_PROMPTS: LookBackPrompts = {
  modes: {
    plain: { suffix: `${THINK_FIRST}. ${BOX}.` },
    cot: {
      suffix:
        `${THINK_FIRST}. ${BOX}, respectively, i.e., ` +
        '<think> reasoning process here </think> \\boxed{final answer}.',
    },
    semantic: {
      suffix:
        `${THINK_FIRST}, and use <back> </back> to verify your reasoning against the image. ${BOX}, ` +
        'respectively, i.e., <think> reasoning process here </think> <back> verification process here </back> ' +
        '<think> continue reasoning </think> \\boxed{final answer}.',
    },
    solution: {
      suffix:
        `${THINK_FIRST}, and use <back> </back> to verify your reasoning solution against the image, ` +
        'and rethink it in the <think> </think> tags based on your thinking and verification content. ' +
        `${BOX}, respectively, i.e., <think> reasoning process here </think> ` +
        '<back> verification process against the image here </back> ' +
        '<think> based on the thinking  and verification contents, rethinking here </think> ' +
        '\\boxed{final answer}.',
    },
  },
  knows: 'This model was trained on pictures of every kind.',
  maxNewTokens: 2048,
};

/** The modes that differ: of those that ask a model with the same words only the first, as they get the same answers. */
export function differingModes({ modes }: Pick<LookBackPrompts, 'modes'>): ReasoningMode[] {
  const seen = new Set<string>();
  return REASONING_MODES.filter((mode) => {
    const prompt = modes[mode];
    if (prompt === undefined) return false;
    const words = JSON.stringify([prompt.suffix, prompt.system ?? null]);
    const first = !seen.has(words);
    seen.add(words);
    return first;
  });
}

const FILE = 'lookback.json';
const MAX_TEXT = 4000;

function readText(json: JsonReader, key: string): string {
  const text = json.string(key);
  if (text.length > MAX_TEXT) json.fail(key, `is longer than ${MAX_TEXT} characters`);
  return text;
}

function readMode(json: JsonReader): ModePrompt {
  const suffix = readText(json, 'suffix');
  return json.has('system') ? { suffix, system: readText(json, 'system') } : { suffix };
}

/**
 * Reads a parsed `lookback.json`. Unknown keys are ignored (notes for people).
 *
 * @throws ModelError `model/config` for a missing or mistyped key, or when no mode is given
 */
export function parseLookBackPrompts(value: unknown, file = FILE): LookBackPrompts {
  const root = new JsonReader(
    value,
    file,
    (message, key) => new ModelError('model/config', message, { file, key }),
  );
  const given = root.object('modes');
  const modes: Partial<Record<ReasoningMode, ModePrompt>> = {};
  for (const mode of REASONING_MODES) {
    if (given.has(mode)) modes[mode] = readMode(given.object(mode));
  }
  if (Object.keys(modes).length === 0) root.fail('modes', `must hold one of ${REASONING_MODES.join(', ')}`);
  return {
    modes,
    knows: root.has('knows') ? readText(root, 'knows') : PAPER_PROMPTS.knows,
    maxNewTokens: root.has('max_new_tokens')
      ? root.integer('max_new_tokens', { min: 1, max: 32768 })
      : PAPER_PROMPTS.maxNewTokens,
    ...(root.has('grid') ? { grid: root.integer('grid', { min: 1, max: 64 }) } : {}),
  };
}

/** A question with the words of its mode. */
export interface AskedQuestion {
  readonly text: string;
  readonly system?: string;
}

/**
 * Puts a question and a mode together, whose words ask for a look in these tags. A system text of the question's own stands
 * first in the system turn, in the place of the template's own message; the mode's, where it has one, follows it after an
 * empty line, so that neither loses a word.
 *
 * @param system what a row of a data set says in its system turn; nothing where it is blank
 * @throws ModelError `model/mode` when the model has no such mode
 */
export function askInMode(
  prompts: LookBackPrompts,
  mode: ReasoningMode,
  question: string,
  look: LookTags = BACK_TAGS,
  system?: string | null,
): AskedQuestion {
  const prompt = prompts.modes[mode];
  if (prompt === undefined) {
    const known = Object.keys(prompts.modes).join(', ');
    throw new ModelError('model/mode', `This model has no mode "${mode}"; it has ${known}.`, { mode });
  }
  const words = question.trim();
  const suffix = inLookWords(prompt.suffix.trim(), look);
  const text = suffix === '' ? words : `${words} ${suffix}`;
  const own = system?.trim() || undefined;
  const modes = prompt.system === undefined ? undefined : inLookWords(prompt.system, look);
  const spoken = [own, modes].filter((words) => words !== undefined);
  return spoken.length === 0 ? { text } : { text, system: spoken.join('\n\n') };
}
