/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVER_CLI_SANDBOX_CALLS_H
#define SERVER_CLI_SANDBOX_CALLS_H

/*
 * The system calls that `serve` makes, by name. Each architecture has its own
 * set of them: what x86-64 has open() for is openat() on arm64.
 */
static const char *const allowed[] = {
    /* memory and threads */
    "brk", "madvise", "mmap", "mprotect", "mremap", "munmap", "exit",
    "exit_group", "futex", "get_robust_list", "getrandom", "gettid",
    "membarrier", "restart_syscall", "rseq", "sched_getaffinity", "sched_yield",
    "set_robust_list", "set_tid_address", "sysinfo",
    /* signals, a crash's too */
    "getpid", "rt_sigaction", "rt_sigprocmask", "rt_sigreturn",
    "rt_sigtimedwait", "sigaltstack", "signalfd4", "tgkill",
    /* time, waiting */
    "clock_getres", "clock_gettime", "clock_nanosleep", "gettimeofday",
    "nanosleep", "time", "epoll_create1", "epoll_ctl", "epoll_pwait",
    "epoll_wait", "eventfd2", "inotify_add_watch", "inotify_init1",
    "inotify_rm_watch", "pipe2", "poll", "ppoll", "pselect6", "select",
    /* who it is */
    "getegid", "geteuid", "getgid", "getrusage", "getuid", "prlimit64", "uname",
    /* descriptors and files */
    "access", "close", "dup", "faccessat", "faccessat2", "fallocate", "fchmod",
    "fchown", "fcntl", "fdatasync", "fstat", "fstatfs", "fsync", "ftruncate",
    "getcwd", "getdents64", "lseek", "lstat", "mkdir", "mkdirat", "newfstatat",
    "open", "openat", "pread64", "pwrite64", "read", "readlink", "readlinkat",
    "readv", "stat", "statfs", "statx", "unlink", "unlinkat", "write", "writev",
    /* the network; socketpair is a pipe inside of libcurl */
    "accept", "accept4", "bind", "connect", "getpeername", "getsockname",
    "getsockopt", "listen", "recvfrom", "recvmmsg", "recvmsg", "sendfile",
    "sendmmsg", "sendmsg", "sendto", "setsockopt", "shutdown", "socketpair"};

/* What nothing but an attack makes. */
static const char *const deadly[] = {"bpf", "execve", "execveat",
    "finit_module", "init_module", "io_uring_setup", "kexec_load", "mount",
    "open_by_handle_at", "pivot_root", "process_vm_readv", "process_vm_writev",
    "ptrace", "setns", "unshare", "userfaultfd"};

#endif
