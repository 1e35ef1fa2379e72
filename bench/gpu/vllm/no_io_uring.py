"""no_io_uring.py COMMAND...: becomes the command in a process that gets no io_uring, as container runtimes have it. CRIU cannot dump one; uvloop does without."""
import ctypes
import os
import sys

PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 38, 22, 2
LOAD, EQUAL, AT_LEAST, ABOVE, RETURN = 0x20, 0x15, 0x35, 0x25, 0x06
NUMBER, ARCHITECTURE, X86_64 = 0, 4, 0xC000003E
ALLOW, NOT_PERMITTED = 0x7FFF0000, 0x00050001
IO_URING_SETUP, IO_URING_REGISTER = 425, 427


class Instruction(ctypes.Structure):
    _fields_ = [("code", ctypes.c_ushort), ("then", ctypes.c_ubyte), ("otherwise", ctypes.c_ubyte), ("value", ctypes.c_uint)]


class Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("instructions", ctypes.POINTER(Instruction))]


FILTER = [
    (LOAD, 0, 0, ARCHITECTURE),
    (EQUAL, 0, 4, X86_64),
    (LOAD, 0, 0, NUMBER),
    (AT_LEAST, 0, 2, IO_URING_SETUP),
    (ABOVE, 1, 0, IO_URING_REGISTER),
    (RETURN, 0, 0, NOT_PERMITTED),
    (RETURN, 0, 0, ALLOW),
]

libc = ctypes.CDLL(None, use_errno=True)
instructions = (Instruction * len(FILTER))(*(Instruction(*one) for one in FILTER))
program = Program(len(FILTER), instructions)
if libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) or libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.byref(program)):
    sys.exit(f"the seccomp filter is refused: {os.strerror(ctypes.get_errno())}")
os.execvp(sys.argv[1], sys.argv[1:])
