/*
 * A worker that is nothing but GPU memory: fills some gigabytes of it, sums them in a loop, and writes `<round> <sum>` to a file after
 * each round. Equal sums before and after are equal memory; a growing round is a worker that serves. Driver API only, found at run
 * time, so that it is built where there is no CUDA.
 *   worker [--managed] GIGABYTES FILE
 */
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "round.h"

/* fill: word i becomes a hash of i, so no page is zero and none is like another. sum: adds all words to one number. */
static const char PTX[] =
  ".version 6.0\n.target sm_50\n.address_size 64\n"
  ".visible .entry fill(.param .u64 p, .param .u64 n) {\n"
  "  .reg .pred %q; .reg .u32 %a, %b, %c, %w; .reg .u64 %p, %n, %i, %s, %x, %y;\n"
  "  ld.param.u64 %p, [p]; ld.param.u64 %n, [n]; cvta.to.global.u64 %p, %p;\n"
  "  mov.u32 %a, %ctaid.x; mov.u32 %b, %ntid.x; mov.u32 %c, %tid.x; mad.lo.u32 %a, %a, %b, %c; cvt.u64.u32 %i, %a;\n"
  "  mov.u32 %a, %nctaid.x; mul.lo.u32 %a, %a, %b; cvt.u64.u32 %s, %a;\n"
  "LOOP: setp.ge.u64 %q, %i, %n; @%q bra END;\n"
  "  mul.lo.u64 %x, %i, 0x9E3779B97F4A7C15; shr.u64 %y, %x, 29; xor.b64 %x, %x, %y; mul.lo.u64 %x, %x, 0xBF58476D1CE4E5B9;\n"
  "  shr.u64 %y, %x, 32; cvt.u32.u64 %w, %y; or.b32 %w, %w, 1; shl.b64 %y, %i, 2; add.u64 %y, %p, %y; st.global.u32 [%y], %w;\n"
  "  add.u64 %i, %i, %s; bra LOOP;\nEND: ret;\n}\n"
  ".visible .entry sum(.param .u64 p, .param .u64 n, .param .u64 o) {\n"
  "  .reg .pred %q; .reg .u32 %a, %b, %c, %w; .reg .u64 %p, %n, %o, %i, %s, %x, %y, %t;\n"
  "  ld.param.u64 %p, [p]; ld.param.u64 %n, [n]; ld.param.u64 %o, [o]; cvta.to.global.u64 %p, %p; cvta.to.global.u64 %o, %o;\n"
  "  mov.u32 %a, %ctaid.x; mov.u32 %b, %ntid.x; mov.u32 %c, %tid.x; mad.lo.u32 %a, %a, %b, %c; cvt.u64.u32 %i, %a;\n"
  "  mov.u32 %a, %nctaid.x; mul.lo.u32 %a, %a, %b; cvt.u64.u32 %s, %a; mov.u64 %t, 0;\n"
  "LOOP: setp.ge.u64 %q, %i, %n; @%q bra END;\n"
  "  shl.b64 %y, %i, 2; add.u64 %y, %p, %y; ld.global.u32 %w, [%y]; cvt.u64.u32 %x, %w; add.u64 %t, %t, %x;\n"
  "  add.u64 %i, %i, %s; bra LOOP;\nEND: red.global.add.u64 [%o], %t; ret;\n}\n";

typedef int CUresult;
typedef int CUdevice;
typedef void *CUcontext, *CUmodule, *CUfunction;
typedef uint64_t CUdeviceptr;

static void *lib;
static CUresult (*errorName)(CUresult, const char **);

static void *function(const char *name) {
  void *f = dlsym(lib, name);
  if (!f) { fprintf(stderr, "no %s in libcuda\n", name); exit(2); }
  return f;
}

static void ok(CUresult rc, const char *doing) {
  const char *name = "?";
  if (rc == 0) return;
  errorName(rc, &name);
  fprintf(stderr, "%s: %d %s\n", doing, rc, name);
  exit(3);
}

static void launch(CUfunction f, void **args) {
  static CUresult (*go)(CUfunction, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, void *, void **, void **);
  if (!go) go = function("cuLaunchKernel");
  ok(go(f, 1024, 1, 1, 256, 1, 1, 0, NULL, args, NULL), "cuLaunchKernel");
}

int main(int argc, char **argv) {
  int managed = argc > 1 && strcmp(argv[1], "--managed") == 0;
  if (managed) { argc--; argv++; }
  if (argc != 3) { fputs("usage: worker [--managed] GIGABYTES FILE\n", stderr); return 2; }
  uint64_t bytes = (uint64_t)(atof(argv[1]) * (1 << 30)) & ~3ull, words = bytes / 4;
  lib = dlopen("libcuda.so.1", RTLD_NOW);
  if (!lib) { fprintf(stderr, "%s\n", dlerror()); return 2; }
  errorName = function("cuGetErrorName");
  CUresult (*init)(unsigned) = function("cuInit"), (*device)(CUdevice *, int) = function("cuDeviceGet");
  CUresult (*retain)(CUcontext *, CUdevice) = function("cuDevicePrimaryCtxRetain"), (*current)(CUcontext) = function("cuCtxSetCurrent");
  CUresult (*alloc)(CUdeviceptr *, size_t) = function("cuMemAlloc_v2");
  CUresult (*allocManaged)(CUdeviceptr *, size_t, unsigned) = function("cuMemAllocManaged");
  CUresult (*load)(CUmodule *, const void *) = function("cuModuleLoadData");
  CUresult (*get)(CUfunction *, CUmodule, const char *) = function("cuModuleGetFunction");
  CUresult (*set)(CUdeviceptr, unsigned, size_t) = function("cuMemsetD32_v2"), (*sync)(void) = function("cuCtxSynchronize");
  CUresult (*toHost)(void *, CUdeviceptr, size_t) = function("cuMemcpyDtoH_v2");
  CUdevice d;
  CUcontext context;
  CUmodule module;
  CUfunction fill, sum;
  CUdeviceptr memory, result;
  ok(init(0), "cuInit");
  ok(device(&d, 0), "cuDeviceGet");
  ok(retain(&context, d), "cuDevicePrimaryCtxRetain");
  ok(current(context), "cuCtxSetCurrent");
  ok(load(&module, PTX), "cuModuleLoadData");
  ok(get(&fill, module, "fill"), "cuModuleGetFunction fill");
  ok(get(&sum, module, "sum"), "cuModuleGetFunction sum");
  if (managed) ok(allocManaged(&memory, bytes, 1), "cuMemAllocManaged");
  else ok(alloc(&memory, bytes), "cuMemAlloc");
  ok(alloc(&result, 8), "cuMemAlloc");
  launch(fill, (void *[]){ &memory, &words });
  ok(sync(), "fill");
  for (unsigned long round = 1;; round++) {
    uint64_t total = 0;
    ok(set(result, 0, 2), "cuMemsetD32");
    launch(sum, (void *[]){ &memory, &words, &result });
    ok(toHost(&total, result, 8), "cuMemcpyDtoH");
    report(argv[2], round, total);
    usleep(50000);
  }
}
