import { ticksOf } from '../../src/report/charts';
import { html } from '../../src/report/markup';
import { median, REST, reportOf } from '../../src/report/model';
import { pageOf } from '../../src/report/page';
import { sample, SAMPLE_NOW } from './sample';

const report = reportOf(sample, SAMPLE_NOW);

it('compares the median of cold starts with that of restores', () => {
  expect(report.comparisons).toEqual([
    { checkpoint: 'qwen3', coldSeconds: 52, restoredSeconds: 7, ratio: 52 / 7 },
  ]);
});

it('knows each start by what the pod asks for, and leaves out pods that have nothing to do with it', () => {
  expect(report.starts.map((s) => `${s.pod} ${s.kind} ${s.seconds}`)).toEqual([
    'worker-0 cold 52',
    'worker-2 restored 8',
    'worker-1 restored 7',
    'worker-3 restored 5',
  ]);
});

it('counts no second twice: parts of a step are left out, and what no step accounts for is said', () => {
  const [capture] = report.bars;
  expect(capture?.parts.map((p) => p.step)).toEqual(['observe', 'dump', 'digest', 'publish', REST]);
  expect(capture?.parts.reduce((sum, p) => sum + p.seconds, 0)).toBeCloseTo(capture?.seconds ?? 0, 6);
});

it('captures and restores are on the time line in order, deletions are not', () => {
  expect(report.bars.map((b) => `${b.operation.kind} ${b.operation.pod} ${b.operation.phase}`)).toEqual([
    'Capture worker-0 Succeeded',
    'Restore worker-1 Succeeded',
    'Restore worker-2 Succeeded',
    'Restore worker-3 Succeeded',
    'Restore worker-4 Failed',
  ]);
});

it('the page is what it was', () => {
  expect(pageOf(report)).toMatchSnapshot();
});

it('the page loads nothing and runs nothing', () => {
  const page = pageOf(report);
  expect(page).not.toMatch(/<script|<link|https?:\/\/|@import|url\(/);
  expect(page).toContain('&#60;b&#62;llama');
});

it('an empty cluster has a page too', () => {
  const page = pageOf(reportOf({ title: 'x', checkpoints: [], assignments: [], pods: [] }, SAMPLE_NOW));
  expect(page.match(/There is none yet/g)).toHaveLength(4);
  expect(page).not.toContain('Infinity');
  expect(page).not.toContain('NaN');
});

it('texts are escaped, markup is not', () => {
  expect(html`<b>${'<i> & "x"'}</b>${html`<i></i>`}${[html`1`, html`2`]}`.text).toBe(
    '<b>&#60;i&#62; &#38; &#34;x&#34;</b><i></i>12',
  );
});

it.each([
  [[], undefined],
  [[3], 3],
  [[5, 1, 3], 3],
  [[4, 1], 2.5],
])('the median of %j is %p', (values, middle) => {
  expect(median(values)).toBe(middle);
});

it.each([
  [0.4, [0]],
  [5, [0, 1, 2, 3, 4, 5]],
  [81, [0, 15, 30, 45, 60, 75]],
  [7000, [0, 1800, 3600, 5400]],
])('a time line of %d s has ticks at %j', (seconds, ticks) => {
  expect(ticksOf(seconds)).toEqual(ticks);
});
