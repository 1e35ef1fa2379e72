/** What programs may use of this machine's processors, from /proc/cpuinfo (arch/x86/kernel/cpu/proc.c). */
import { readFileSync } from 'node:fs';

export interface Cpu {
  readonly model: string;
  /** Instruction sets and state components as the kernel names them; sorted. What is for kernels only is left out. */
  readonly features: readonly string[];
}

/** Families of instructions: a new one of them is a feature without a change here. */
const FAMILIES = /^(sse|ssse|avx|amx|sha|sm[34]$|bmi|xsave)/;

const SINGLE = new Set(
  [
    'fpu mmx mmxext 3dnow 3dnowext cx8 cx16 cmov fxsr pni popcnt lahf_lm abm movbe aes vaes pclmulqdq vpclmulqdq gfni',
    'rdrand rdseed f16c fma fma4 xop tbm adx erms fsrm fzrm fsrs fsrc fsgsbase rdtscp rdpid clflush clflushopt clwb',
    'cldemote clzero movdiri movdir64b enqcmd serialize waitpkg mwaitx rtm hle tsxldtrk ospke xgetbv1 cmpccxadd',
    'prefetchi rao_int user_shstk',
  ]
    .join(' ')
    .split(' '),
);

/** The first processor speaks for all. On arm64 all of "Features" are for programs (elf_hwcaps.rst). */
export function parseCpuinfo(text: string): Cpu {
  const field = (name: string) => new RegExp(`^${name}\\s*:\\s*(.*)$`, 'm').exec(text)?.[1]?.trim();
  const words = (list = '') => [...new Set(list.split(/\s+/).filter(Boolean))].sort();
  const x86 = field('flags');
  const features =
    x86 === undefined
      ? words(field('Features'))
      : words(x86).filter((flag) => SINGLE.has(flag) || FAMILIES.test(flag));
  return { model: field('model name') ?? field('CPU part') ?? '', features };
}

export const cpu = (): Cpu => parseCpuinfo(readFileSync('/proc/cpuinfo', 'utf8'));
