/*
 * LD_PRELOAD for CRIU's restore: asks for the AMX tiles of the processor (Documentation/arch/x86/xstate.rst). A process must ask before it uses them,
 * and is ended by SIGILL otherwise; the permission is neither dumped nor restored, but a fork inherits it, and CRIU forks the tree.
 */
#include <sys/syscall.h>
#include <unistd.h>

enum { ARCH_REQ_XCOMP_PERM = 0x1023, XFEATURE_XTILEDATA = 18 };

/* Where it is refused, there are no tiles to be had, and none were used. */
__attribute__((constructor)) static void ask(void) { syscall(SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA); }
