// Checks how the repository is laid out: mirrored trees, file heads, docstrings, lengths, the direction of imports,
// reachable shaders, no paths of one machine. Every problem names its file, and every exception is listed here with
// its reason.

import { describe, expect, it } from 'vitest';
import { duplicateRuns, longFunctions, MAX_FUNCTION_LINES, settingPlaces } from './harness/code_figures';
import {
  fileExists,
  importsOf,
  isTypesOnly,
  listFiles,
  readText,
  undocumentedExports,
} from './harness/source_files';

const MAX_LINES = 600;
const REPEATED_LINES = 10;

/** Pairs of files that may share a run of lines: none. */
const REPEATED: readonly string[] = [];

/** What every layer above the kernels may import. */
const BELOW_MODEL = ['lib', 'answer', 'settings', 'gpu', 'kernels', 'tensor', 'data', 'storage'];
/** What the services and the Worker may import beside themselves. */
const ENGINE = [...BELOW_MODEL, 'hub', 'model', 'generation', 'train', 'lookback'];

/** Which layers a layer may import from: the one statement of the direction of imports. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  lib: [],
  answer: ['lib'],
  settings: ['lib'],
  gpu: ['lib'],
  kernels: ['lib', 'gpu'],
  tensor: ['lib', 'gpu', 'kernels'],
  data: ['lib', 'answer'],
  // The hub writes into the store that is described there.
  hub: ['lib', 'storage'],
  storage: ['lib', 'data'],
  model: BELOW_MODEL,
  generation: [...BELOW_MODEL, 'model'],
  train: [...BELOW_MODEL, 'model', 'generation'],
  lookback: [...BELOW_MODEL, 'model', 'generation', 'train'],
  // The services take types of the seam, never its code.
  services: [...ENGINE, 'worker'],
  worker: [...ENGINE, 'services'],
  state: ['lib', 'answer', 'settings', 'data', 'storage', 'worker'],
  ui: ['lib', 'answer', 'settings', 'data', 'worker', 'state'],
};

/** What of `worker/` the page's half may see. */
const PAGE_SIDE = /^src\/worker\/(client$|protocol\/)/;

/** Sources without a test of their own, each with the reason. Files that hold only types need no entry. */
const UNTESTED: Readonly<Record<string, string>> = {
  'src/main.tsx': 'composition root of the page; every end-to-end journey starts it',
  'src/worker/engine.worker.ts': 'composition root of the worker; every end-to-end journey starts it',
};

/** Sources (or folders of them) that a test of another name proves; that test has to exist. */
const TESTED_BY: Readonly<Record<string, string>> = {
  'src/hub/hub_client.ts': 'test/hub/hub_download.test.ts',
  'src/hub/file_pieces.ts': 'test/hub/hub_download.test.ts',
  'src/answer/answer_choice.ts': 'test/answer/answer_grading_siblings.test.ts',
  'src/answer/answer_formula.ts': 'test/answer/answer_grading_siblings.test.ts',
  'src/answer/answer_quantity.ts': 'test/answer/answer_grading_siblings.test.ts',
  'src/answer/answer_text.ts': 'test/answer/answer_grading_siblings.test.ts',
  'src/answer/answer_unit.ts': 'test/answer/answer_grading_siblings.test.ts',
  'src/gpu/measured_time.ts': 'test/services/device_check/device_check.gpu.test.ts',
  'src/gpu/trial_allocation.ts': 'test/services/training/training_estimate.test.ts',
  'src/services/library/model_memory.ts': 'test/services/library/model_fit.gpu.test.ts',
  'src/services/device_check/kernel_sweep.ts': 'test/services/device_check/device_check.gpu.test.ts',
  'src/ui/models/device_check_copy.ts': 'test/ui/models/device_check_panel.test.tsx',
  'src/storage/item_store.ts': 'test/services/backup/backup_host.browser.test.ts',
  'src/storage/item_tables.ts': 'test/services/backup/backup_host.browser.test.ts',
  'src/storage/scratch_file.ts': 'test/services/backup/backup_host.browser.test.ts',
  'src/ui/library/open_library.tsx': 'test/e2e/library_trouble.test.ts',
  'src/ui/library/rename_form.tsx': 'test/ui/library/saved_looks.test.tsx',
  'src/ui/library/backup_copy.ts': 'test/ui/library/backup_panel.test.tsx',
  'src/ui/models/models_copy.ts': 'test/ui/models/models_page.test.tsx',
  'src/ui/error_words.ts': 'test/ui/error_copy.test.ts',
  'src/ui/look/first_trace.ts': 'test/e2e/first_minute.test.ts',
  'src/ui/look/replay_copy.ts': 'test/ui/look/replay_headline.test.ts',
  'src/kernels/attention_check.ts': 'test/gpu/self_check.test.ts',
  'src/kernels/rotary_decode.ts': 'test/kernels/split_decode_attention.test.ts',
  'src/kernels/rotary_decode_check.ts': 'test/kernels/split_decode_attention.test.ts',
  'src/kernels/attention_stream.ts': 'test/kernels/segment_attention.test.ts',
  'src/kernels/catalogue.ts': 'test/kernels/compile.test.ts',
  'src/kernels/norm_call.ts': 'test/kernels/rms_norm.test.ts',
  'src/model/language_model.ts': 'test/model/prompt_program.gpu.test.ts',
  'src/data/image/prompt_image.ts': 'test/generation/processor.test.ts',
  'src/model/families/': 'test/model/config.test.ts',
  'src/model/modality_projector.ts': 'test/model/prompt_program.gpu.test.ts',
  'src/model/prompt_packing.ts': 'test/model/prompt_program.gpu.test.ts',
  'src/model/session_state.ts': 'test/model/generation_session.gpu.test.ts',
  'src/model/spec.ts': 'test/model/prompt_program.gpu.test.ts',
  'src/model/vision_language_model.ts': 'test/model/prompt_program.gpu.test.ts',
  'src/model/vision_transformer.ts': 'test/model/prompt_program.gpu.test.ts',
  'src/model/weights.ts': 'test/model/prompt_program.gpu.test.ts',
  'src/data/text/stream_decoder.ts': 'test/data/text/tokenizer.test.ts',
  // A pass is half of an import.
  'src/data/dataset/dataset_pass.ts': 'test/data/dataset/dataset_import.test.ts',
  'src/tensor/ops/': 'test/tensor/autodiff.test.ts',
  'src/train/policy_loss.ts': 'test/train/policy.gpu.test.ts',
  // A sample is made of all of these.
  'src/data/world/': 'test/data/world/world_sample.test.ts',
  // The parts of one host.
  'src/services/backup/': 'test/services/backup/backup_host.test.ts',
  'src/services/cold_start/': 'test/services/cold_start/cold_start_host.test.ts',
  'src/services/evaluation/': 'test/services/evaluation/evaluation_host.test.ts',
  'src/ui/evaluation/': 'test/ui/evaluation/evaluation_page.test.tsx',
  'src/ui/results/': 'test/ui/results/results_page.test.tsx',
  'src/ui/cold_start/cold_start_copy.ts': 'test/ui/cold_start/cold_start_page.test.tsx',
  // Both are one engine to the page, and share their states.
  'src/services/answers/answer_host.ts': 'test/services/answers/engine.test.ts',
  'src/lookback/custom_reward.worker.ts': 'test/lookback/custom_reward.browser.test.ts',
  // These are nothing without a page.
  'src/service_worker.ts': 'test/e2e/offline.test.ts',
  'src/ui/look/guide_copy.ts': 'test/e2e/first_minute.test.ts',
  'src/ui/look/guide_shown.ts': 'test/e2e/first_minute.test.ts',
  'src/ui/look/share_link.ts': 'test/e2e/first_minute.test.ts',
  'src/ui/chart/step_pointer.ts': 'test/e2e/selection.test.ts',
  'src/ui/look/export_copy.ts': 'test/ui/look/answer_picture.test.ts',
  'src/ui/look/address.ts': 'test/e2e/no_webgpu.test.ts',
  'src/ui/look/camera_copy.ts': 'test/ui/look/camera.test.ts',
  'src/ui/look/sinks_copy.ts': 'test/e2e/first_minute.test.ts',
  'src/ui/motion.ts': 'test/e2e/first_minute.test.ts',
  'src/ui/look/history_copy.ts': 'test/ui/look/history_strip.test.tsx',
  'src/ui/look/region_copy.ts': 'test/ui/look/region_panel.test.tsx',
  'src/ui/look/share_copy.ts': 'test/e2e/first_minute.test.ts',
  'src/ui/look/composer_copy.ts': 'test/e2e/ask.test.ts',
  'src/ui/keys_dialog.tsx': 'test/e2e/access.test.ts',
  'src/ui/look/keyboard.ts': 'test/e2e/selection.test.ts',
  'src/ui/look/look_context.ts': 'test/e2e/ask.test.ts',
  'src/ui/look/picture_source.ts': 'test/e2e/ask.test.ts',
  'src/ui/look/seen_cells.ts': 'test/e2e/ask.test.ts',
  'src/ui/look/heads_copy.ts': 'test/e2e/pictures.test.ts',
  'src/ui/look/several_pictures_copy.ts': 'test/e2e/pictures.test.ts',
  'src/ui/look/shown_pictures.ts': 'test/e2e/pictures.test.ts',
  'src/ui/look/stream.ts': 'test/e2e/selection.test.ts',
  'src/settings/reasoning_modes.ts': 'test/settings/train_settings.test.ts',
  'src/ui/copy.ts': 'test/ui/status.test.ts',
  'src/ui/chart/curves_chart.ts': 'test/ui/train/curves.test.ts',
  'src/ui/chart/step_chart.ts': 'test/ui/train/curves.test.ts',
  'src/ui/theme.ts': 'test/e2e/access.test.ts',
};

/** Tests of a layer that belong to no single source. */
const JOINT_TESTS = Object.values(TESTED_BY);

/** Shaders whose truth fits in a line of their own test. */
const REFERENCE_IN_TEST = [
  'shaders/add_rows.wgsl',
  'shaders/blend_rows.wgsl',
  'shaders/column_sum.wgsl',
  'shaders/copy_columns.wgsl',
  'shaders/elementwise.wgsl',
  'shaders/embedding.wgsl',
  'shaders/fma_peak.wgsl',
  'shaders/gather_rows.wgsl',
  'shaders/kv_append.wgsl',
];

const sources = listFiles(['src'], ['.ts', '.tsx']).filter((path) => !path.endsWith('.d.ts'));
const shaders = listFiles(['shaders'], ['.wgsl']);
const tests = listFiles(['test'], ['.test.ts', '.test.tsx']);
const code = [...sources, ...listFiles(['test', 'tools'], ['.ts', '.tsx', '.mjs'])];

function stem(path: string): string {
  return path.replace(/(\.gpu|\.browser)?(\.test)?\.(tsx?|mjs|wgsl)$/, '');
}

function layerOf(path: string): string | undefined {
  return /^src\/([a-z_]+)\//.exec(path)?.[1];
}

/** A path without extension and every shortening of its name at an underscore: a/b_c_d, a/b_c, a/b. */
function shorterStems(path: string): string[] {
  const shorter = [path];
  for (let at = path.lastIndexOf('_'); at > path.lastIndexOf('/'); at = path.lastIndexOf('_', at - 1)) {
    shorter.push(path.slice(0, at));
  }
  return shorter;
}

/** Whether a wrapper's text asks for a shader by its stem. */
function namesShader(text: string, name: string): boolean {
  return new RegExp(`['"\`]${name}['"\`]`).test(text);
}

/** Lines of the comment that opens a file; 0 if it opens with code. */
function headLines(text: string): number {
  const lines = text.replace(/^#!.*\n/, '').split('\n');
  if (/^\/\*/.test(lines[0] ?? '')) return lines.findIndex((line) => line.includes('*/')) + 1;
  const code = lines.findIndex((line) => !line.startsWith('//'));
  return code < 0 ? lines.length : code;
}

describe('layout', () => {
  it('has a test for each source, and a source for each test of a layer', () => {
    const tested = new Set(tests.map((path) => stem(path).replace(/^test/, 'src')));
    const known = new Set(sources.map(stem));
    const untested = sources
      // Components with logic have tests beside these; the others are exercised by the journeys.
      .filter((path) => !path.endsWith('.tsx') && !UNTESTED[path] && !isTypesOnly(path))
      .filter((path) => !Object.keys(TESTED_BY).some((prefix) => path.startsWith(prefix)))
      // `training_metrics.ts` is a part of `training.ts` and may share its test.
      .filter((path) => !shorterStems(stem(path)).some((name) => tested.has(name) && known.has(name)));
    const orphans = tests.filter((path) => {
      const folder = path.split('/')[1] ?? '';
      if (!(folder in MAY_IMPORT) || JOINT_TESTS.includes(path)) return false;
      // `planner_memory.test.ts` may sit beside `planner.test.ts`.
      return !shorterStems(stem(path).replace(/^test/, 'src')).some((name) => known.has(name));
    });
    expect({ untested, orphans }).toEqual({ untested: [], orphans: [] });
    const listed = [...Object.entries(TESTED_BY).flat(), ...Object.keys(UNTESTED)];
    expect(listed.filter((path) => !fileExists(path))).toEqual([]);
  });

  it('has a slow reference for each shader, or for the operator it is a variant of', () => {
    const wrappers = listFiles(['src/kernels'], ['.ts']);
    const missing = shaders
      .filter((path) => !path.startsWith('shaders/lib/') && !REFERENCE_IN_TEST.includes(path))
      .filter((path) => {
        const name = stem(path).replace('shaders/', '');
        const users = wrappers.filter((file) => namesShader(readText(file), name)).map(stem);
        const own = shorterStems(`test/reference/${name}`).some((file) => fileExists(`${file}.ts`));
        // Some share a reference with a sister: their test says so by importing it.
        const shared = users
          .map((user) => `${user.replace(/^src/, 'test')}.test.ts`)
          .some((file) => fileExists(file) && readText(file).includes('/reference/'));
        return !own && !shared;
      });
    expect(missing).toEqual([]);
  });

  it('opens every file with a comment that says what it does', () => {
    expect([...code, ...shaders].filter((path) => headLines(readText(path)) < 1)).toEqual([]);
  });

  it('says in the head of a file what it does, by no formula', () => {
    const formula = /\bInvariants?:|^\/\/ Not /m;
    const found = [...code, ...shaders].filter((path) => {
      const lines = readText(path).split('\n');
      return formula.test(lines.slice(0, headLines(readText(path))).join('\n'));
    });
    expect(found).toEqual([]);
  });

  it('describes every export', () => {
    const described = [
      ...sources,
      ...code.filter((path) => /^(tools|test\/(harness|reference))\//.test(path)),
    ];
    const missing = [...new Set(described)]
      .filter((path) => !path.endsWith('.mjs'))
      .flatMap((path) => undocumentedExports(path).map((name) => `${path}: ${name}`));
    expect(missing).toEqual([]);
  });

  it(`keeps every function at or below ${MAX_FUNCTION_LINES} lines`, () => {
    expect(longFunctions([...sources, ...listFiles(['tools'], ['.ts'])], MAX_FUNCTION_LINES)).toEqual([]);
  });

  it(`repeats no run of ${REPEATED_LINES} lines`, () => {
    const runs = [...duplicateRuns(sources, REPEATED_LINES), ...duplicateRuns(shaders, REPEATED_LINES)];
    const pairs = runs.map(({ places }) => places.map((place) => place.replace(/:\d+$/, '')).join(' = '));
    expect(pairs.filter((pair) => !REPEATED.includes(pair))).toEqual([]);
  });

  it(`keeps every file at or below ${MAX_LINES} lines`, () => {
    const long = [...new Set([...code, ...shaders])]
      .map((path) => ({ path, lines: readText(path).split('\n').length - 1 }))
      .filter(({ lines }) => lines > MAX_LINES);
    expect(long).toEqual([]);
  });

  it('gives values to settings only where they are declared', () => {
    expect(settingPlaces(sources.filter((path) => !path.startsWith('src/settings/')))).toEqual([]);
  });

  it('gives no file a name that says nothing', () => {
    const vague = code.filter((path) => /\/(index|utils?|helpers?|manager|misc|common)\.tsx?$/.test(path));
    expect(vague).toEqual([]);
  });

  it('reaches every shader from a kernel', () => {
    const kernels = listFiles(['src/kernels'], ['.ts']).map(readText).join('\n');
    const reached = new Set<string>();
    const reach = (path: string): void => {
      if (reached.has(path) || !fileExists(path)) return;
      reached.add(path);
      for (const match of readText(path).matchAll(/#include\s+"([^"]+)"/g)) reach(`shaders/${match[1]}`);
    };
    for (const path of shaders) {
      if (namesShader(kernels, stem(path).replace('shaders/', ''))) reach(path);
    }
    expect(shaders.filter((path) => !reached.has(path))).toEqual([]);
  });

  it('names no path of one machine', () => {
    const text = [
      ...new Set([...code, ...shaders]),
      ...listFiles(['docs', 'tools', 'src', 'public'], ['.md', '.py', '.sh', '.css', '.html']),
      ...[
        'README.md',
        'ARCHITECTURE.md',
        'CONTRIBUTING.md',
        'GLOSSARY.md',
        'CHANGELOG.md',
        'index.html',
        '.ci/run',
      ],
      ...['package.json', 'vite.config.ts', 'vitest.config.ts', 'playwright.config.ts'],
    ].filter(fileExists);
    const machine = /(?<![\w.*-])\/(work|root|home|tmp|Users)\/|(?<![\w.*-])\/opt\/(?!google)/;
    const found = text.flatMap((path) =>
      readText(path)
        .split('\n')
        .flatMap((line, index) => (machine.test(line) ? [`${path}:${index + 1}: ${line.trim()}`] : [])),
    );
    expect(found.filter((line) => !line.startsWith('test/layout.test.ts'))).toEqual([]);
  });
});

describe('imports', () => {
  it('point one way', () => {
    const wrong: string[] = [];
    for (const path of sources) {
      const from = layerOf(path);
      for (const { target, typeOnly } of importsOf(path)) {
        const to = layerOf(target);
        if (/^(test|tools)\//.test(target)) wrong.push(`${path} imports ${target}`);
        if (!from || !to || from === to) continue;
        if (!MAY_IMPORT[from]?.includes(to)) wrong.push(`${path} imports ${target}`);
        if ((from === 'ui' || from === 'state') && to === 'worker' && !PAGE_SIDE.test(target)) {
          wrong.push(`${path} imports ${target}`);
        }
        if (from === 'services' && to === 'worker' && !typeOnly) wrong.push(`${path} runs ${target}`);
      }
    }
    expect(wrong).toEqual([]);
  });

  it('lets the page and the engine meet only in the protocol, which is types only', () => {
    const protocol = listFiles(['src/worker/protocol'], ['.ts']);
    expect(protocol.filter((path) => !isTypesOnly(path))).toEqual([]);
    for (const path of ['src/worker/client.ts', 'src/worker/commands.ts']) {
      const reached = importsOf(path).filter(({ target, typeOnly }) => {
        const layer = layerOf(target);
        if (!layer || typeOnly) return false;
        return layer === 'worker' ? target !== 'src/worker/commands' : layer !== 'lib';
      });
      expect(reached).toEqual([]);
    }
  });

  it('take the view library only in src/state, src/ui and the page itself', () => {
    const outside = sources.filter(
      (path) => !/^src\/(state\/|ui\/|main)/.test(path) && /from '(preact|@preact)/.test(readText(path)),
    );
    expect(outside).toEqual([]);
  });

  it('take shaders only in src/kernels', () => {
    const outside = sources.filter(
      (path) => !path.startsWith('src/kernels/') && /import\.meta\.glob[^;]*shaders/.test(readText(path)),
    );
    const imports = sources.filter(
      (path) =>
        !path.startsWith('src/kernels/') && importsOf(path).some(({ target }) => target.includes('.wgsl')),
    );
    expect({ outside, imports }).toEqual({ outside: [], imports: [] });
  });
});
