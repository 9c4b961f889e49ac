// Draws the check of the device: one button, how far it is, what came of it, and the report to copy.

import { useSignal } from '@preact/signals';
import { useMemo } from 'preact/hooks';
import type { DeviceCheck } from '../../state/device_check';
import { deviceReportText, deviceVerdict, rightAnswers, VERDICT_LINES } from '../../state/device_report';
import type { DeviceReport, DeviceSpeed, KernelFault } from '../../worker/protocol/device_check';
import { COPY } from '../copy';
import { Icon } from '../icons';
import { Notice } from '../notice';
import { CHECK_COPY } from './device_check_copy';

const figure = (value: number): string => (value >= 100 ? value.toFixed(0) : value.toPrecision(3));

function Faults({ title, faults }: { readonly title: string; readonly faults: readonly KernelFault[] }) {
  if (faults.length === 0) return null;
  return (
    <>
      <p>
        <Icon name="warning" /> {title}
      </p>
      <ul>
        {faults.map(({ name, reason }) => (
          <li key={name}>
            <span class="mono">{name}</span> {reason}
          </li>
        ))}
      </ul>
    </>
  );
}

function Speed({ speed }: { readonly speed: DeviceSpeed }) {
  return (
    <>
      <p>{CHECK_COPY.yardsticks(figure(speed.copyGigabytes), figure(speed.fmaGflops))}</p>
      <div class="check-speed">
        <table class="quality-roles">
          <caption>{CHECK_COPY.speedTitle}</caption>
          <thead>
            <tr>
              {CHECK_COPY.columns.map((column) => (
                <th key={column} scope="col">
                  {column}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {speed.kernels.map(({ name, gflops, gigabytes, share, bound }) => (
              <tr key={name}>
                <th scope="row">{name}</th>
                <td>{figure(gflops)}</td>
                <td>{figure(gigabytes)}</td>
                <td>{(100 * share).toFixed(0)} %</td>
                <td>{bound}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </>
  );
}

function Report({ report }: { readonly report: DeviceReport }) {
  const copied = useSignal(false);
  const text = useMemo(() => deviceReportText(report, { browser: navigator.userAgent }), [report]);
  const copy = () =>
    navigator.clipboard.writeText(text).then(
      () => {
        copied.value = true;
      },
      () => {
        // The clipboard is closed to this page: the text below can be selected.
      },
    );
  return (
    <>
      <button type="button" class="quiet" onClick={() => void copy()}>
        {copied.value ? CHECK_COPY.copied : CHECK_COPY.copy}
      </button>
      <details class="notice-details">
        <summary>{CHECK_COPY.report}</summary>
        <pre data-testid="check-report">{text}</pre>
      </details>
    </>
  );
}

function Result({ report }: { readonly report: DeviceReport }) {
  const { kernels, answers, answersLeftOut, speed } = report;
  const verdict = deviceVerdict(report);
  return (
    <div data-testid="check-result" data-verdict={verdict}>
      <p class={verdict === 'right' ? 'banner banner-restored' : 'banner banner-lost'}>
        <Icon name={verdict === 'right' ? 'info' : 'warning'} /> {VERDICT_LINES[verdict]}
      </p>
      <p>{CHECK_COPY.kernels(kernels)}</p>
      <Faults title={CHECK_COPY.disabled} faults={kernels.disabled} />
      <Faults title={CHECK_COPY.broken} faults={kernels.broken} />
      <p>
        {answers === null
          ? CHECK_COPY.answersLeftOut(answersLeftOut)
          : CHECK_COPY.answers(rightAnswers(answers), answers.length)}
      </p>
      <Speed speed={speed} />
      <Report report={report} />
    </div>
  );
}

/** The panel. */
export function DeviceCheckPanel({ check }: { readonly check: DeviceCheck }) {
  const progress = check.progress.value;
  const report = check.report.value;
  const error = check.error.value;
  return (
    <section class="panel device-check" aria-labelledby="check-title" aria-busy={progress !== null}>
      <header class="panel-head">
        <h3 id="check-title">{CHECK_COPY.title}</h3>
      </header>
      <p class="hint">{check.overtaken.value ? CHECK_COPY.overtaken : CHECK_COPY.about}</p>
      {error !== null && <Notice compact error={error} retry={() => void check.start()} />}
      {progress === null ? (
        <button type="button" data-testid="check-device" onClick={() => void check.start()}>
          {report === null ? CHECK_COPY.start : CHECK_COPY.again}
        </button>
      ) : (
        <div class="quality-progress">
          <progress
            aria-label={CHECK_COPY.title}
            {...(progress.total === 0 ? {} : { value: progress.done, max: progress.total })}
          />
          <span class="hint" data-testid="check-progress">
            {CHECK_COPY.progress(progress)}
          </span>
          <button type="button" class="quiet" onClick={check.cancel}>
            {COPY.load.cancel}
          </button>
        </div>
      )}
      {report !== null && <Result report={report} />}
    </section>
  );
}
