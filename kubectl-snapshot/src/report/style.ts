/** How the report looks, by day and by night. */
import { Markup } from './markup';

const steps = [
  '#4e79a7',
  '#f28e2b',
  '#59a14f',
  '#b07aa1',
  '#edc948',
  '#76b7b2',
  '#e15759',
  '#9c755f',
  '#ff9da7',
];

export const style = new Markup(`
:root { --ink: #1c2733; --soft: #64748b; --paper: #f6f8fa; --card: #fff; --line: #e2e8f0; --capture: #2f6fde; --restore: #1f9d63; --cold: #94a3b8; --failed: #d64545; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6edf3; --soft: #93a1b1; --paper: #0d1117; --card: #161b22; --line: #2b3440; --cold: #64748b; } }
body { margin: 0 auto; max-width: 1100px; padding: 24px; background: var(--paper); color: var(--ink); font: 14px/1.5 system-ui, sans-serif; }
header { display: flex; justify-content: space-between; align-items: baseline; }
h1 { font-size: 22px; } h2 { font-size: 16px; margin: 0 0 4px; } p { color: var(--soft); margin: 0 0 12px; }
section, .tiles div { background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: 16px; margin-top: 16px; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(140px, 1fr)); gap: 12px; }
.tiles div { margin: 0; } .tiles b { display: block; font-size: 24px; } .tiles span { color: var(--soft); }
svg text { fill: var(--ink); font-size: 12px; } svg .axis { fill: var(--soft); font-size: 11px; } .tick { stroke: var(--line); }
.capture { fill: var(--capture); } .restore { fill: var(--restore); } .cold { fill: var(--cold); } .failed { fill: var(--failed); }
.rest { fill: var(--line); background: var(--line); }
${steps.map((colour, i) => `.s${i} { fill: ${colour}; background: ${colour}; }`).join(' ')}
.legend { margin: 8px 0 0; } .legend span { margin-right: 14px; white-space: nowrap; } .legend i { display: inline-block; width: 10px; height: 10px; border-radius: 2px; margin-right: 5px; }
table { width: 100%; border-collapse: collapse; } th, td { text-align: left; padding: 5px 8px; border-bottom: 1px solid var(--line); } th { color: var(--soft); font-weight: 500; } .n { text-align: right; font-variant-numeric: tabular-nums; }
`);
