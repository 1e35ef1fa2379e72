/** The pictures of the report as inline SVG; pure. Widths are in percent, so that they follow the page. */
import { humanBytes, humanSeconds } from '@dynamo-snapshot/api/quantity';
import type { Markup } from './markup';
import { html, nothing } from './markup';
import type { Bar, Comparison } from './model';
import { REST } from './model';

const ROW = 26;
const LABELS = 30;
const round = (value: number): number => Math.round(value * 1000) / 1000;

const titleOf = ({ operation: o, seconds }: Bar): string =>
  [
    `${o.kind} of ${o.checkpoint}`,
    o.pod === '' ? undefined : `pod ${o.pod}`,
    `node ${o.node}`,
    `${o.phase} in ${humanSeconds(seconds)}`,
    o.bytes === undefined ? undefined : humanBytes(o.bytes),
    o.reason,
    o.message,
  ]
    .filter(Boolean)
    .join(', ');

const classOf = ({ operation: o }: Bar): string =>
  o.phase === 'Failed' || o.phase === 'Cancelled' ? 'failed' : o.kind === 'Capture' ? 'capture' : 'restore';

/** When each operation ran. */
export function timeLine(bars: readonly Bar[]): Markup {
  const first = Math.min(...bars.map((b) => b.beginMs));
  const span = Math.max(1, ...bars.map((b) => b.beginMs + b.seconds * 1000 - first));
  const x = (ms: number) => round(LABELS + ((100 - LABELS) * ms) / span);
  const height = ROW * bars.length + 24;
  const ticks = ticksOf(span / 1000).map((s) => {
    const at = `${x(s * 1000)}%`;
    return html`<line x1="${at}" x2="${at}" y1="0" y2="${height - 20}" class="tick" /><text
        x="${at}"
        y="${height - 6}"
        class="axis"
        >+${tickLabel(s)}</text
      >`;
  });
  const rows = bars.map((bar, i) => {
    const begin = x(bar.beginMs - first);
    const width = Math.max(0.4, round(x(bar.beginMs - first + bar.seconds * 1000) - begin));
    return html`<g
      ><title>${titleOf(bar)}</title><text x="0" y="${ROW * i + 17}" class="name">${nameOf(bar)}</text
      ><rect
        x="${begin}%"
        y="${ROW * i + 4}"
        width="${width}%"
        height="${ROW - 8}"
        rx="3"
        class="${classOf(bar)}"
    /></g>`;
  });
  return html`<svg width="100%" height="${height}" role="img" aria-label="time line">${ticks}${rows}</svg>`;
}

const nameOf = ({ operation: o }: Bar): string =>
  `${o.kind === 'Capture' ? '●' : '▶'} ${o.pod || o.checkpoint} · ${o.node}`;

const STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600, 7200, 21_600, 43_200, 86_400];

/** At most six round numbers from 0 on. */
export function ticksOf(seconds: number): readonly number[] {
  const step = STEPS.find((s) => seconds / s <= 6) ?? Math.ceil(seconds / 6 / 86_400) * 86_400;
  return Array.from({ length: Math.floor(seconds / step) + 1 }, (_, i) => i * step);
}

const tickLabel = (seconds: number): string =>
  seconds % 3600 === 0 && seconds > 0
    ? `${seconds / 3600} h`
    : seconds % 60 === 0 && seconds > 0
      ? `${seconds / 60} min`
      : `${seconds} s`;

/** Where the time of each operation went: its steps, one behind the other, all on one scale. */
export function stepBars(bars: readonly Bar[]): Markup {
  const longest = Math.max(0.001, ...bars.map((b) => b.seconds));
  const names = stepNames(bars);
  const rows = bars.map((bar, i) => {
    let at = 0;
    const parts = bar.parts.map(({ step, seconds }) => {
      const [x, width] = [LABELS + ((92 - LABELS) * at) / longest, ((92 - LABELS) * seconds) / longest];
      at += seconds;
      return html`<rect
        x="${round(x)}%"
        y="${ROW * i + 4}"
        width="${round(width)}%"
        height="${ROW - 8}"
        class="${stepClass(step, names)}"
        ><title>${step}: ${humanSeconds(seconds)}</title></rect
      >`;
    });
    const end = round(LABELS + ((92 - LABELS) * at) / longest + 0.6);
    return html`<text x="0" y="${ROW * i + 17}" class="name">${nameOf(bar)}</text>${parts}<text
        x="${end}%"
        y="${ROW * i + 17}"
        class="axis"
        >${humanSeconds(bar.seconds)}</text
      >`;
  });
  const legend = names.map((name) => html`<span><i class="${stepClass(name, names)}"></i>${name}</span>`);
  return html`<svg width="100%" height="${ROW * bars.length + 4}" role="img" aria-label="steps">${rows}</svg>
    <p class="legend">${legend}</p>`;
}

const stepNames = (bars: readonly Bar[]): readonly string[] => {
  const names = [...new Set(bars.flatMap((b) => b.parts.map((p) => p.step)))];
  return names.includes(REST) ? [...names.filter((n) => n !== REST), REST] : names;
};

const COLOURS = 9;

const stepClass = (step: string, names: readonly string[]): string =>
  step === REST ? 'rest' : `s${names.indexOf(step) % COLOURS}`;

/** The median of cold starts and of restores of each checkpoint, on one scale. */
export function comparison(comparisons: readonly Comparison[]): Markup {
  const longest = Math.max(
    0.001,
    ...comparisons.flatMap((c) => [c.coldSeconds ?? 0, c.restoredSeconds ?? 0]),
  );
  const row = (y: number, seconds: number | undefined, kind: string, words: string) =>
    seconds === undefined
      ? nothing
      : html`<rect
            x="${LABELS}%"
            y="${y}"
            width="${Math.max(0.3, round((50 * seconds) / longest))}%"
            height="16"
            rx="3"
            class="${kind}"
          /><text x="${round(LABELS + (50 * seconds) / longest + 0.6)}%" y="${y + 13}" class="axis"
            >${words} ${humanSeconds(seconds)}</text
          >`;
  const rows = comparisons.map((c, i) => {
    const y = i * 52;
    const ratio = c.ratio === undefined ? '' : ` · ${c.ratio.toFixed(1)}×`;
    return html`<text x="0" y="${y + 22}" class="name">${c.checkpoint}${ratio}</text
      >${row(y + 2, c.coldSeconds, 'cold', 'cold start')}${row(y + 22, c.restoredSeconds, 'restore', 'restore')}`;
  });
  return html`<svg
    width="100%"
    height="${52 * comparisons.length}"
    role="img"
    aria-label="cold start against restore"
  >
    ${rows}
  </svg>`;
}
