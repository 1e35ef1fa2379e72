/** `doctor`: what is wrong with this cluster and its nodes, and what to do. */
import type { Colors } from 'picocolors/types';
import type { Finding } from '../doctor/decide';
import { decide } from '../doctor/decide';
import { observe } from '../doctor/observe';
import { exitCode } from '../exit';
import { shown } from '../output/format';
import type { AddCommand, Session } from '../session';

export const addDoctor: AddCommand = (program, run) => {
  program
    .command('doctor')
    .description('tell what is wrong with this cluster and its nodes, and what to do')
    .addHelpText(
      'after',
      '\nAsks the API server, and each agent about its node (kubectl exec). Nothing is changed. -o wide shows what is right too.',
    )
    .action(function (this) {
      return run(this, doctor);
    });
};

async function doctor(session: Session): Promise<number> {
  const { out, clock } = session.world;
  const findings = decide(await observe(session), clock.now());
  out.write(shown(session.format, { findings }, (wide) => findingsText(findings, wide, out.colours)));
  return findings.some((f) => f.result === 'problem') ? exitCode.found : exitCode.ok;
}

export function findingsText(findings: readonly Finding[], wide: boolean, colours: Colors): string {
  const of = (result: Finding['result']) => findings.filter((f) => f.result === result);
  const problems = of('problem').map(({ check, where, message, remedy }) =>
    [
      `${colours.red('✗')} ${colours.bold(check)}  ${where}`,
      `  ${message}`,
      ...(remedy ? [`  ${colours.cyan('→')} ${remedy}`] : []),
      '',
    ].join('\n'),
  );
  const line = (sign: string) => (f: Finding) => `${sign} ${f.check}  ${f.where}  ${f.message}`;
  const rest = [
    ...of('unknown').map(line(colours.yellow('?'))),
    ...(wide ? of('ok').map(line(colours.green('✓'))) : []),
  ];
  const count = `${findings.length} checks: ${of('ok').length} ok, ${of('problem').length} problems, ${of('unknown').length} not looked at`;
  return [...problems, ...rest, ...(rest.length > 0 ? [''] : []), count].join('\n');
}
