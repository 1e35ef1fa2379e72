/**
 * vLLM and the Python packages that a machine with PyTorch lacks, as small as they get: wheels of PyPI, pinned by hash, less what one
 * H200 and a dense model in bfloat16 never load.
 */
import { execFileSync } from 'node:child_process';
import { globSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { FatBinary, Needed } from './fatbin';
import { blank, neededFor } from './fatbin';

export const REQUIREMENTS = 'bench/gpu/vllm/requirements.txt';

/** What PyPI's names say of the machine: Python 3.12 of Ubuntu 24.04. */
const TARGET = [
  ...['--python-version', '3.12', '--implementation', 'cp'],
  ...['cp312', 'abi3', 'none'].flatMap((abi) => ['--abi', abi]),
  ...[
    'manylinux_2_34',
    'manylinux_2_31',
    'manylinux_2_28',
    'manylinux_2_27',
    'manylinux_2_26',
    'manylinux_2_24',
  ]
    .concat('manylinux_2_17', 'manylinux2014', 'manylinux2010', 'manylinux1')
    .flatMap((platform) => ['--platform', `${platform}_x86_64`]),
];

/** Globs below the folder of the packages. */
const LEFT_OUT = [
  // Another front end, in Rust.
  'vllm/vllm-rs',
  // For older GPUs; version 3 serves the H200.
  'vllm/vllm_flash_attn/_vllm_fa2_C.abi3.so',
  // Kernels of other models and number formats, what they are compiled from, and the same for other Pythons.
  'vllm/_flashmla*.so',
  'vllm/_qutlass*.so',
  'vllm/third_party/deep_gemm/include',
  'vllm/third_party/deep_gemm/_C.cpython-31[0134]-*.so',
  'vllm/third_party/fmha_sm100/cutlass',
  'vllm/entrypoints/serve/instrumentator/static',
  // Vocabularies and translations.
  'mistral_common/data',
  'pycountry/locales',
  'bin',
] as const;

const ARCH = 90;
/** Head size and number format of the models that are measured (FlashAttention 3's template arguments, mangled). */
const FLASH_KERNEL = /FlashAttnFwdSm90I/;
const OUR_FLASH_KERNEL = /EEELi128ENS_10bfloat16_tEfNS_4arch/;

export function fillVllm(home: string): void {
  const site = join(home, 'site');
  install(site);
  for (const pattern of LEFT_OUT)
    for (const path of globSync(pattern, { cwd: site })) rmSync(join(site, path), { recursive: true });
  for (const path of globSync('**/*.so', { cwd: site })) shrink(join(site, path));
}

function install(site: string): void {
  const pip = [
    '-m',
    'pip',
    'install',
    '--quiet',
    '--disable-pip-version-check',
    '--require-hashes',
    '--no-deps',
  ];
  const from = ['--no-compile', '--only-binary', ':all:', '--target', site, '--requirement', REQUIREMENTS];
  execFileSync('python3', [...pip, ...TARGET, ...from], { stdio: 'inherit' });
}

function shrink(file: string): void {
  const bytes = readFileSync(file);
  if (blank(bytes, neededOf(file, bytes)) > 0) writeFileSync(file, bytes);
  execFileSync('strip', [file]);
}

function neededOf(file: string, bytes: Buffer): Needed {
  const forUs: Needed = (binary) => neededFor(ARCH, binary);
  // No dense model calls a kernel of a mixture of experts.
  if (basename(file).startsWith('_moe_C')) return () => [];
  if (!basename(file).startsWith('_vllm_fa3_C')) return forUs;
  return (binary: FatBinary) =>
    forUs(binary).filter(({ offset, length }) => {
      const code = bytes.toString('latin1', offset, offset + length);
      return !FLASH_KERNEL.test(code) || OUR_FLASH_KERNEL.test(code);
    });
}
