/**
 * Makes the pictures of docs/kubectl-snapshot.md: a terminal with `status -w` (SVG, drawn from what the program writes to a terminal),
 * and the report page as a headless Chromium shows it (PNG). Both are of the sample of the plugin's tests; nothing here needs a cluster.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import picocolors from 'picocolors';
import { operationLines, operationOf } from '../kubectl-snapshot/src/operations/operation';
import { reportOf } from '../kubectl-snapshot/src/report/model';
import { pageOf } from '../kubectl-snapshot/src/report/page';
import { assignment } from '../kubectl-snapshot/test/objects';
import { browse, browserVersion } from '../kubectl-snapshot/test/report/browser';
import { sample, SAMPLE_NOW } from '../kubectl-snapshot/test/report/sample';

/** Without the checkpoint whose name the tests try to break the page with. */
const shown = { ...sample, checkpoints: sample.checkpoints.filter((c) => !c.metadata.name.includes('<')) };

const FOLDER = 'docs/pictures';

function main(): void {
  writeFileSync(join(FOLDER, 'status.svg'), terminal('kubectl snapshot status -w', statusLines()));
  if (browserVersion() === undefined) return console.log('report.png: left out, chromium is not installed');
  const dir = mkdtempSync(join(tmpdir(), 'snapshot-pictures-'));
  try {
    const file = join(dir, 'report.html');
    writeFileSync(file, pageOf(reportOf(shown, SAMPLE_NOW)));
    browse(file, ['--window-size=1000,1110', `--screenshot=${join(process.cwd(), FOLDER, 'report.png')}`]);
  } finally {
    rmSync(dir, { recursive: true });
  }
  return undefined;
}

/** Two that run, one that waits, one that is done. */
function statusLines(): readonly string[] {
  const look = { colours: picocolors.createColors(true), bars: true };
  const gibi = 2 ** 30;
  const running = (step: string, done: number, total: number, rate: number) => ({
    phase: 'Running' as const,
    startedAt: new Date(SAMPLE_NOW - 5000).toISOString(),
    progress: {
      step,
      summary: step,
      bytesDone: Math.round(done * gibi),
      bytesTotal: Math.round(total * gibi),
      bytesPerSecond: Math.round(rate * gibi),
      etaSeconds: Math.ceil((total - done) / rate),
    },
  });
  const restore = (pod: string) => ({
    operation: 'Restore' as const,
    nodeName: 'node-b',
    pod: { name: pod, uid: pod },
  });
  const done = sample.assignments.find((a) => a.metadata.name === 'restore-worker-3');
  const list = [
    assignment('a', running('dump', 7.1, 15.8, 1.1), { checkpoint: { name: 'llama-8b' } }),
    assignment('b', running('criu', 2.4, 3, 0.9), restore('qwen3-4')),
    assignment('c', undefined, restore('qwen3-5')),
    ...(done === undefined ? [] : [done]),
  ];
  return operationLines(list.map(operationOf), SAMPLE_NOW, look);
}

const COLOURS: Readonly<Record<string, string>> = {
  '31': '#f47067',
  '32': '#57ab5a',
  '33': '#c69026',
  '36': '#39c5cf',
};
const [CHARACTER, LINE, MARGIN, BAR] = [7.83, 20, 16, 34];

/** A window with these lines, which may have SGR colours and bold (ECMA-48). */
function terminal(command: string, lines: readonly string[]): string {
  const all = [`\u001b[32m$\u001b[39m ${command}`, ...lines];
  const plain = (line: string) => line.replace(/\u001b\[\d+m/g, '');
  const width = Math.round(Math.max(...all.map((l) => plain(l).length)) * CHARACTER + 2 * MARGIN);
  const height = BAR + all.length * LINE + MARGIN;
  const dots = ['#ff5f57', '#febc2e', '#28c840']
    .map((c, i) => `<circle cx="${18 + 18 * i}" cy="17" r="6" fill="${c}"/>`)
    .join('');
  const rows = all.map(
    (line, i) => `<text x="${MARGIN}" y="${BAR + (i + 1) * LINE}" xml:space="preserve">${spans(line)}</text>`,
  );
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" font-family="ui-monospace, Menlo, Consolas, DejaVu Sans Mono, monospace" font-size="13" fill="#adbac7">
<rect width="100%" height="100%" rx="8" fill="#22272e"/>${dots}
${rows.join('\n')}
</svg>
`;
}

const escape = (text: string): string => text.replace(/[&<>]/g, (c) => `&#${c.charCodeAt(0)};`);

function spans(line: string): string {
  let [colour, bold] = ['', false];
  return line
    .split(/(\u001b\[\d+m)/)
    .map((part) => {
      const code = /^\u001b\[(\d+)m$/.exec(part)?.[1];
      if (code === undefined)
        return part === ''
          ? ''
          : `<tspan${colour ? ` fill="${colour}"` : ''}${bold ? ' font-weight="bold"' : ''}>${escape(part)}</tspan>`;
      if (code === '1') bold = true;
      else if (code === '22') bold = false;
      else colour = COLOURS[code] ?? '';
      return '';
    })
    .join('');
}

main();
