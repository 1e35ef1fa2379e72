import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { reportOf } from '../../src/report/model';
import { pageOf } from '../../src/report/page';
import { browse, browserVersion } from './browser';
import { sample, SAMPLE_NOW } from './sample';

jest.setTimeout(300_000);
const version = browserVersion();
const where = version === undefined ? describe.skip : describe;

where(
  `the report in ${version ?? 'a browser: left out, chromium is not installed (apt-get install chromium)'}`,
  () => {
    const dir = mkdtempSync(join(tmpdir(), 'snapshot-report-'));
    const file = join(dir, 'report.html');
    const measure = `<script>
    const box = (e) => { const { x, y, width, height } = e.getBoundingClientRect(); return { x, y, width, height }; };
    const all = (q) => [...document.querySelectorAll(q)];
    const found = {
      quirks: document.compatMode,
      sections: all('section').map((s) => ({ title: s.querySelector('h2').textContent, ...box(s) })),
      bars: all('svg[aria-label="time line"] rect').map((r) => ({ kind: r.getAttribute('class'), ...box(r) })),
      steps: all('svg[aria-label="steps"] rect').map(box),
      wide: document.documentElement.scrollWidth,
    };
    document.title = 'measured'; const pre = document.createElement('pre'); pre.id = 'found'; pre.textContent = JSON.stringify(found); document.body.append(pre);
  </script>`;
    interface Box {
      readonly x: number;
      readonly y: number;
      readonly width: number;
      readonly height: number;
    }
    interface Found {
      readonly quirks: string;
      readonly sections: readonly (Box & { title: string })[];
      readonly bars: readonly (Box & { kind: string })[];
      readonly steps: readonly Box[];
      readonly wide: number;
    }
    afterAll(() => rmSync(dir, { recursive: true }));

    it('is laid out as it should be: nothing is empty, nothing sticks out, and later bars are further right', () => {
      writeFileSync(file, pageOf(reportOf(sample, SAMPLE_NOW)).replace('</body>', `${measure}</body>`));
      const { stdout } = browse(file, ['--window-size=1000,1400', '--dump-dom']);
      const json = /<pre id="found">(.*?)<\/pre>/s.exec(stdout)?.[1] ?? '';
      const found = JSON.parse(
        json.replaceAll('&amp;', '&').replaceAll('&lt;', '<').replaceAll('&gt;', '>'),
      ) as Found;
      expect(found.quirks).toBe('CSS1Compat');
      expect(found.sections.map((s) => s.title)).toEqual([
        'Cold start against restore',
        'Time line',
        'Where each second went',
        'Checkpoints',
      ]);
      for (const s of found.sections) expect(s.height).toBeGreaterThan(60);
      expect(found.wide).toBeLessThanOrEqual(1000);
      expect(found.bars.map((b) => b.kind)).toEqual(['capture', 'restore', 'restore', 'restore', 'failed']);
      const begins = found.bars.map((b) => b.x);
      expect([...begins].sort((a, b) => a - b)).toEqual(begins);
      for (const b of [...found.bars, ...found.steps]) {
        expect(b.width).toBeGreaterThan(0);
        expect(b.x + b.width).toBeLessThanOrEqual(1000);
      }
    });

    it('draws a picture, and says nothing in the console', () => {
      writeFileSync(file, pageOf(reportOf(sample, SAMPLE_NOW)));
      const picture = join(dir, 'report.png');
      const { stderr } = browse(file, ['--window-size=1000,1400', `--screenshot=${picture}`]);
      expect(stderr).not.toMatch(/CONSOLE/);
      const png = readFileSync(picture);
      expect(png.subarray(1, 4).toString()).toBe('PNG');
      expect([png.readUInt32BE(16), png.readUInt32BE(20)]).toEqual([1000, 1400]);
      expect(png.length).toBeGreaterThan(20_000);
    });
  },
);
