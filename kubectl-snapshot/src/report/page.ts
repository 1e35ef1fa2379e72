/** The report as one HTML file that needs nothing else: no script, no font, no server; pure. */
import { humanSeconds } from '@dynamo-snapshot/api/quantity';
import { isoSeconds } from '@dynamo-snapshot/api/time';
import { comparison, stepBars, timeLine } from './charts';
import type { Markup } from './markup';
import { html, nothing } from './markup';
import type { Report } from './model';
import { median } from './model';
import { style } from './style';

export const pageOf = (report: Report): string => `<!doctype html>\n${page(report).text}\n`;

const page = (report: Report): Markup =>
  html`<html lang="en">
    <head>
      <meta charset="utf-8" />
      <meta name="viewport" content="width=device-width, initial-scale=1" />
      <title>Snapshots of ${report.title}</title>
      <style>
        ${style}
      </style>
    </head>
    <body>
      <header>
        <h1>Snapshots of ${report.title}</h1>
        <p>${isoSeconds(report.now)}</p>
      </header>
      ${tiles(report)}
      ${section('Cold start against restore', 'From the start of a pod until it is Ready: the median of the pods that were captured, and of those that were restored.', report.comparisons.length > 0 && comparison(report.comparisons))}
      ${section('Time line', 'When captures (●) and restores (▶) ran, from the first one on.', report.bars.length > 0 && timeLine(report.bars))}
      ${section('Where each second went', 'The steps of each capture and restore, all on one scale.', report.bars.length > 0 && stepBars(report.bars))}
      ${section('Checkpoints', '', report.checkpoints.length > 0 && checkpointTable(report))}
    </body>
  </html>`;

const section = (title: string, words: string, content: Markup | false): Markup =>
  html`<section>
    <h2>${title}</h2>
    ${words === '' ? nothing : html`<p>${words}</p>`}${content === false ? html`<p class="none">There is none yet.</p>` : content}
  </section>`;

function tiles({ checkpoints, restores, starts }: Report): Markup {
  const ready = checkpoints.filter((c) => c.status?.phase === 'Ready').length;
  const [cold, restored] = (['cold', 'restored'] as const).map((kind) =>
    median(starts.filter((s) => s.kind === kind).map((s) => s.seconds)),
  );
  const ratio = cold !== undefined && restored ? `${(cold / restored).toFixed(1)}×` : '–';
  const tile = (value: string, words: string) => html`<div><b>${value}</b><span>${words}</span></div>`;
  return html`<div class="tiles">
    ${[
      tile(`${ready} of ${checkpoints.length}`, 'checkpoints ready'),
      tile(String(restores.succeeded), 'restores succeeded'),
      tile(String(restores.failed), 'restores failed'),
      tile(cold === undefined ? '–' : humanSeconds(cold), 'cold start, median'),
      tile(restored === undefined ? '–' : humanSeconds(restored), 'restore, median'),
      tile(ratio, 'faster'),
    ]}
  </div>`;
}

function checkpointTable({ checkpoints }: Report): Markup {
  const rows = checkpoints.map(({ metadata, spec, status = {} }) => {
    const paused = status.timings?.find((t) => t.step === 'paused');
    const { succeeded = 0, failed = 0 } = status.restores ?? {};
    return html`<tr>
      <td>${metadata.name}</td>
      <td>${spec.identity.model}</td>
      <td>${spec.identity.backendFramework}</td>
      <td>${status.phase ?? 'Pending'}</td>
      <td class="n">${status.artifact?.size ?? ''}</td>
      <td class="n">${paused === undefined ? '' : humanSeconds(paused.seconds)}</td>
      <td class="n">${succeeded}</td>
      <td class="n">${failed}</td>
      <td>${status.source?.nodeName ?? ''}</td>
      <td>${status.createdAt ?? ''}</td>
    </tr>`;
  });
  return html`<table>
    <thead>
      <tr>
        <th>Name</th>
        <th>Model</th>
        <th>Backend</th>
        <th>Phase</th>
        <th class="n">Size</th>
        <th class="n">Source stood still</th>
        <th class="n">Restored</th>
        <th class="n">Failed</th>
        <th>Node</th>
        <th>Ready since</th>
      </tr>
    </thead>
    <tbody>
      ${rows}
    </tbody>
  </table>`;
}
