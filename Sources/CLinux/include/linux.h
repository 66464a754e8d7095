// What Linux offers and Swift cannot call directly: variadic functions, macros, and the code between fork and exec,
// where only async-signal-safe C may run.
#ifndef CLINUX_H
#define CLINUX_H

// No _GNU_SOURCE here: it changes the shape of libc's types, and Swift holds C modules to one definition of each. `fd_set` has
// two all the same, by macros that other packages' modules set; nothing here selects, so it is not read.
#ifndef _SYS_SELECT_H
#define _SYS_SELECT_H 1
#endif
#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <termios.h>
#include <unistd.h>

#include "pages.h"
#include "sha1.h"

// Swift's view of glibc hides the GNU declarations; these are stable.
extern int posix_spawn_file_actions_addchdir_np(posix_spawn_file_actions_t *, const char *);
extern int ptsname_r(int, char *, size_t);
extern int pipe2(int ends[2], int flags);
extern void *memmem(const void *, size_t, const void *, size_t);

/// Whether `needle` stands somewhere in `bytes`.
static inline int clinux_contains(const void *bytes, size_t count, const void *needle, size_t length) {
  return memmem(bytes, count, needle, length) != NULL;
}

static inline int clinux_spawn_in_directory(posix_spawn_file_actions_t *actions, const char *path) {
  return posix_spawn_file_actions_addchdir_np(actions, path);
}
/// POSIX_SPAWN_SETSID
static const int16_t clinux_spawn_new_session = 0x80;

/// A file that is in memory only and has no name. (1: closed when another program is started.)
static inline int clinux_memory_file(const char *name) { return (int)syscall(SYS_memfd_create, name, 1); }

static inline int clinux_pidfd_open(pid_t pid) { return (int)syscall(SYS_pidfd_open, pid, 0); }

static inline int clinux_pidfd_send_signal(int pidfd, int signal) {
  return (int)syscall(SYS_pidfd_send_signal, pidfd, signal, NULL, 0);
}

/// Reaps the child behind a pidfd without blocking. 1 reaped (status filled), 0 still running, -1 error.
static inline int clinux_try_wait(pid_t pid, int *status) {
  pid_t r;
  do { r = waitpid(pid, status, WNOHANG); } while (r < 0 && errno == EINTR);
  return r == pid ? 1 : (r == 0 ? 0 : -1);
}

static inline int clinux_exited(int status) { return WIFEXITED(status); }
static inline int clinux_exit_code(int status) { return WEXITSTATUS(status); }
static inline int clinux_signal(int status) { return WIFSIGNALED(status) ? WTERMSIG(status) : 0; }

static inline int clinux_no_new_privileges(void) { return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); }
static inline int clinux_set_dumpable(int on) { return prctl(PR_SET_DUMPABLE, on, 0, 0, 0); }
static inline int clinux_parent_death_signal(int signal) { return prctl(PR_SET_PDEATHSIG, signal, 0, 0, 0); }
static inline int clinux_child_subreaper(int on) { return prctl(PR_SET_CHILD_SUBREAPER, on, 0, 0, 0); }
static inline int clinux_set_name(const char *name) { return prctl(PR_SET_NAME, name, 0, 0, 0); }

/// openat2(2) with RESOLVE_NO_SYMLINKS and RESOLVE_NO_MAGICLINKS: fails with ELOOP where any part of the path is a link.
static inline int clinux_open_straight(const char *path, int flags) {
  struct { uint64_t flags, mode, resolve; } how = {(uint64_t)flags, 0, 0x04 | 0x02};
  return (int)syscall(437 /* SYS_openat2 on every architecture */, AT_FDCWD, path, &how, sizeof how);
}

static inline int clinux_landlock_abi(void) {
  return (int)syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
}
static inline int clinux_landlock_allow(int ruleset, int fd, uint64_t access) {
  struct landlock_path_beneath_attr attr;
  memset(&attr, 0, sizeof attr);
  attr.allowed_access = access;
  attr.parent_fd = fd;
  return (int)syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &attr, 0);
}
static inline int clinux_landlock_restrict(int ruleset) {
  return (int)syscall(SYS_landlock_restrict_self, ruleset, 0);
}

static inline int clinux_set_window_size(int fd, unsigned short rows, unsigned short columns) {
  struct winsize size = {rows, columns, 0, 0};
  return ioctl(fd, TIOCSWINSZ, &size);
}
static inline int clinux_get_window_size(int fd, unsigned short *rows, unsigned short *columns) {
  struct winsize size;
  if (ioctl(fd, TIOCGWINSZ, &size) != 0) return -1;
  *rows = size.ws_row;
  *columns = size.ws_col;
  return 0;
}

/// Starts a program as the leader of a new session whose controlling terminal is the pty's other end.
/// Between fork and exec only async-signal-safe calls are made. Returns the pid, or -1 with errno.
static inline pid_t clinux_spawn_on_terminal(int master, const char *path, char *const argv[], char *const envp[]) {
  char name[64];
  if (ptsname_r(master, name, sizeof name) != 0) return -1;
  pid_t pid = fork();
  if (pid != 0) return pid;
  if (setsid() < 0) _exit(127);
  int slave = open(name, O_RDWR);
  if (slave < 0 || ioctl(slave, TIOCSCTTY, 0) != 0) _exit(127);
  dup2(slave, 0);
  dup2(slave, 1);
  dup2(slave, 2);
  if (slave > 2) close(slave);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
  for (int s = 1; s < 32; s++) signal(s, SIG_DFL);
  execve(path, argv, envp);
  _exit(127);
}

/// Starts a program that dies with us: the leader of its own group, killed by the kernel when this thread ends, however it
/// ends. Its streams are `streams`; every other descriptor is expected to close on exec. Only async-signal-safe calls after the fork.
/// Returns the pid, or -1 with errno.
static inline pid_t clinux_spawn_dependent(
  const char *path, char *const argv[], char *const envp[], const char *directory, const int streams[3]) {
  int report[2];
  if (pipe2(report, O_CLOEXEC) != 0) return -1;
  pid_t parent = getpid();
  pid_t pid = fork();
  if (pid == 0) {
    int e = 0;
    setpgid(0, 0);
    // We may have ended before the kernel was told: then nobody is left to kill the child.
    if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0 || getppid() != parent) _exit(127);
    for (int i = 0; i < 3; i++) if (streams[i] >= 0 && dup2(streams[i], i) < 0) e = errno;
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    for (int s = 1; s < 32; s++) signal(s, SIG_DFL);
    if (e == 0 && directory != NULL && chdir(directory) != 0) e = errno;
    if (e == 0) {
      execve(path, argv, envp);
      e = errno;
    }
    ssize_t ignored = write(report[1], &e, sizeof e);
    (void)ignored;
    _exit(127);
  }
  int e = pid < 0 ? errno : 0;
  close(report[1]);
  if (pid > 0) {
    // As in the child: whoever kills the group must find it, whichever of us runs first.
    setpgid(pid, pid);
    ssize_t got;
    do { got = read(report[0], &e, sizeof e); } while (got < 0 && errno == EINTR);
    if (got == (ssize_t)sizeof e) {
      int status;
      while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {}
    } else {
      e = 0;
    }
  }
  close(report[0]);
  if (e == 0) return pid;
  errno = e;
  return -1;
}

/// Starts a program that outlives us and never becomes our zombie: forked twice, in a session of its own, stdin and stderr
/// from /dev/null, `output` as stdout, every other descriptor closed. Only async-signal-safe calls after the fork.
/// Returns the pid, or -1 with errno.
static inline pid_t clinux_spawn_detached(
  const char *path, char *const argv[], char *const envp[], const char *directory, int output) {
  int report[2];
  if (pipe2(report, O_CLOEXEC) != 0) return -1;
  pid_t middle = fork();
  if (middle < 0) {
    int e = errno;
    close(report[0]);
    close(report[1]);
    errno = e;
    return -1;
  }
  if (middle == 0) {
    pid_t child = setsid() < 0 ? -1 : fork();
    if (child != 0) {
      ssize_t ignored = write(report[1], &child, sizeof child);
      (void)ignored;
      _exit(0);
    }
    int null = open("/dev/null", O_RDWR);
    if (null < 0 || dup2(output, 1) < 0 || dup2(null, 0) < 0 || dup2(null, 2) < 0) _exit(127);
    if (syscall(SYS_close_range, 3U, ~0U, 0U) != 0)
      for (int fd = 3; fd < 4096; fd++) close(fd);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    for (int s = 1; s < 32; s++) signal(s, SIG_DFL);
    if (directory && chdir(directory) != 0) _exit(127);
    execve(path, argv, envp);
    _exit(127);
  }
  close(report[1]);
  pid_t child = -1;
  ssize_t got;
  do { got = read(report[0], &child, sizeof child); } while (got < 0 && errno == EINTR);
  close(report[0]);
  int status;
  while (waitpid(middle, &status, 0) < 0 && errno == EINTR) {}
  if (got != sizeof child || child < 0) { errno = EAGAIN; return -1; }
  return child;
}

/// A descriptor that reads the blocked signals of `mask`.
static inline int clinux_signal_descriptor(const sigset_t *mask) { return signalfd(-1, mask, SFD_CLOEXEC | SFD_NONBLOCK); }
static const size_t clinux_signal_info_size = sizeof(struct signalfd_siginfo);

/// The master end of a new terminal, unlocked; -1 with errno.
static inline int clinux_open_terminal(void) {
  int master = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC);
  int unlock = 0;
  if (master >= 0 && ioctl(master, TIOCSPTLCK, &unlock) != 0) {
    int e = errno;
    close(master);
    errno = e;
    return -1;
  }
  return master;
}

/// The first group of a terminal's foreground job, or -1.
static inline pid_t clinux_foreground_group(int terminal) {
  pid_t group = -1;
  return ioctl(terminal, TIOCGPGRP, &group) == 0 ? group : -1;
}

/// Sends a message with up to 8 descriptors over a Unix socket.
static inline ssize_t clinux_send_descriptors(int socket, const void *bytes, size_t length, const int *fds, int count) {
  struct iovec iov = {(void *)bytes, length};
  char control[CMSG_SPACE(sizeof(int) * 8)];
  struct msghdr message;
  memset(&message, 0, sizeof message);
  memset(control, 0, sizeof control);
  message.msg_iov = &iov;
  message.msg_iovlen = 1;
  if (count > 0) {
    message.msg_control = control;
    message.msg_controllen = CMSG_SPACE(sizeof(int) * (size_t)count);
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int) * (size_t)count);
    memcpy(CMSG_DATA(header), fds, sizeof(int) * (size_t)count);
  }
  return sendmsg(socket, &message, MSG_NOSIGNAL);
}

/// Receives a message with up to 8 descriptors; `*count` is how many came. They are close-on-exec.
static inline ssize_t clinux_receive_descriptors(int socket, void *bytes, size_t length, int *fds, int *count) {
  struct iovec iov = {bytes, length};
  char control[CMSG_SPACE(sizeof(int) * 8)];
  struct msghdr message;
  memset(&message, 0, sizeof message);
  message.msg_iov = &iov;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  *count = 0;
  ssize_t n = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
  if (n < 0) return n;
  for (struct cmsghdr *h = CMSG_FIRSTHDR(&message); h; h = CMSG_NXTHDR(&message, h)) {
    if (h->cmsg_level != SOL_SOCKET || h->cmsg_type != SCM_RIGHTS) continue;
    int got = (int)((h->cmsg_len - CMSG_LEN(0)) / sizeof(int));
    for (int i = 0; i < got; i++) {
      int fd;
      memcpy(&fd, CMSG_DATA(h) + sizeof(int) * (size_t)i, sizeof(int));
      if (*count < 8) fds[(*count)++] = fd;
      else close(fd);
    }
  }
  return n;
}

/// A Unix-domain stream socket, connected (listen = 0) or bound and listening. -1 with errno; ENAMETOOLONG if the path does not fit.
static inline int clinux_unix_socket(const char *path, int listening) {
  struct sockaddr_un address;
  memset(&address, 0, sizeof address);
  address.sun_family = AF_UNIX;
  if (strlen(path) >= sizeof address.sun_path) { errno = ENAMETOOLONG; return -1; }
  strcpy(address.sun_path, path);
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return -1;
  int r = listening ? bind(fd, (struct sockaddr *)&address, sizeof address)
                    : connect(fd, (struct sockaddr *)&address, sizeof address);
  if (r == 0 && listening) r = listen(fd, 16);
  if (r != 0) { int e = errno; close(fd); errno = e; return -1; }
  return fd;
}

/// The pid of the process that listens on a Unix socket, without waiting for it; -1 with errno (EAGAIN: its queue is full).
static inline pid_t clinux_unix_listener(const char *path) {
  struct sockaddr_un address;
  memset(&address, 0, sizeof address);
  address.sun_family = AF_UNIX;
  if (strlen(path) >= sizeof address.sun_path) { errno = ENAMETOOLONG; return -1; }
  strcpy(address.sun_path, path);
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return -1;
  struct { pid_t pid; uid_t uid; gid_t gid; } peer = { -1, 0, 0 };
  socklen_t size = sizeof peer;
  int r = connect(fd, (struct sockaddr *)&address, sizeof address);
  if (r == 0) r = getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size);
  int e = errno;
  close(fd);
  errno = e;
  return r == 0 ? peer.pid : -1;
}

/// One datagram to a Unix socket; a leading '@' names an abstract one. 0, or -1 with errno.
static inline int clinux_notify(const char *path, const void *bytes, size_t length) {
  struct sockaddr_un address;
  memset(&address, 0, sizeof address);
  address.sun_family = AF_UNIX;
  size_t count = strlen(path);
  if (count >= sizeof address.sun_path) { errno = ENAMETOOLONG; return -1; }
  memcpy(address.sun_path, path, count);
  if (path[0] == '@') address.sun_path[0] = 0;
  int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return -1;
  ssize_t sent = sendto(fd, bytes, length, MSG_NOSIGNAL, (struct sockaddr *)&address,
                        (socklen_t)(__builtin_offsetof(struct sockaddr_un, sun_path) + count));
  int error = errno;
  close(fd);
  errno = error;
  return sent < 0 ? -1 : 0;
}

static inline int clinux_set_resource_limit(int resource, uint64_t soft, uint64_t hard) {
  struct rlimit limit = {soft, hard};
  return setrlimit((__rlimit_resource_t)resource, &limit);
}
static inline int clinux_get_resource_limit(int resource, uint64_t *soft, uint64_t *hard) {
  struct rlimit limit;
  if (getrlimit((__rlimit_resource_t)resource, &limit) != 0) return -1;
  *soft = limit.rlim_cur;
  *hard = limit.rlim_max;
  return 0;
}

// --- Confinement: what the trampoline needs on its way from root to a tenant. ---

extern int setresuid(uid_t, uid_t, uid_t);
extern int setresgid(gid_t, gid_t, gid_t);
extern int getresuid(uid_t *, uid_t *, uid_t *);
extern int getresgid(gid_t *, gid_t *, gid_t *);
extern int setgroups(size_t, const gid_t *);
extern int getgrouplist(const char *, gid_t, gid_t *, int *);

/// Becomes this user for good: groups first, then the group, then the user, saved ids too. Fails also where the way back is
/// still open. 0, or -1 with errno.
static inline int clinux_become(uid_t uid, gid_t gid, const gid_t *groups, size_t count) {
  if (setgroups(count, groups) != 0) return -1;
  if (setresgid(gid, gid, gid) != 0) return -1;
  if (setresuid(uid, uid, uid) != 0) return -1;
  uid_t r, e, s;
  gid_t rg, eg, sg;
  if (getresuid(&r, &e, &s) != 0 || getresgid(&rg, &eg, &sg) != 0) return -1;
  if (r != uid || e != uid || s != uid || rg != gid || eg != gid || sg != gid) { errno = EPERM; return -1; }
  if (uid != 0 && (setresuid(0, 0, 0) == 0 || setresgid(0, 0, 0) == 0)) { errno = EPERM; return -1; }
  return 0;
}

static inline int clinux_group_list(const char *user, gid_t gid, gid_t *groups, int *count) {
  return getgrouplist(user, gid, groups, count);
}

/// A session keyring of our own, so that the keys of who started us are out of reach. A kernel without keyrings has none to
/// leak, and one that forbids the call has closed the door already.
static inline int clinux_new_session_keyring(void) {
  // 1 = KEYCTL_JOIN_SESSION_KEYRING; linux/keyctl.h is not everywhere.
  if (syscall(SYS_keyctl, 1, NULL) >= 0) return 0;
  return errno == ENOSYS || errno == EPERM || errno == EACCES ? 0 : -1;
}

/// Closes every descriptor from `first` to `last`.
static inline int clinux_close_range(unsigned int first, unsigned int last) {
  return (int)syscall(SYS_close_range, first, last, 0);
}

/// The magic number of the file system that holds an open file; -1 on error.
static inline int64_t clinux_file_system(int fd) {
  struct statfs status;
  return fstatfs(fd, &status) == 0 ? (int64_t)status.f_type : -1;
}

/// A ruleset over file rights and scopes. The struct is ours: a scope is newer than many headers. `scoped` 0 works on any kernel.
static inline int clinux_landlock_create_scoped(uint64_t handled_fs, uint64_t scoped) {
  struct { uint64_t fs, net, scoped; } attr = {handled_fs, 0, scoped};
  size_t size = scoped ? sizeof attr : sizeof attr.fs;
  return (int)syscall(SYS_landlock_create_ruleset, &attr, size, 0);
}

/// The resources of setrlimit, under names that the two views of glibc's enum do not disagree about.
static const int clinux_limit_core = RLIMIT_CORE;
static const int clinux_limit_open_files = RLIMIT_NOFILE;
static const int clinux_limit_processes = RLIMIT_NPROC;
static const int clinux_limit_file_size = RLIMIT_FSIZE;
static const int clinux_limit_locked_memory = RLIMIT_MEMLOCK;
static const int clinux_limit_pending_signals = RLIMIT_SIGPENDING;
static const int clinux_limit_message_queues = RLIMIT_MSGQUEUE;

/// To name a file without opening it. GNU, so hidden from Swift.
static const int clinux_open_path = 010000000;  // O_PATH

/// Gives away what a descriptor of ours names, even one that was opened with `clinux_open_path`.
static inline int clinux_give_away(int fd, uid_t uid, gid_t gid) {
  // 0x1000 = AT_EMPTY_PATH, a GNU name.
  return fchownat(fd, "", uid, gid, 0x1000);
}

/// Overwrites a C string in place: an argument that others could read in /proc.
static inline void clinux_wipe(char *text) { memset(text, 0, strlen(text)); }


/// Renames without ever replacing: -1 with EEXIST when the target is there. Where the file system knows no such
/// rename, a plain one after a look.
static inline int clinux_rename_exclusive(const char *from, const char *to) {
  if (syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 1 /* RENAME_NOREPLACE */) == 0) return 0;
  if (errno != EINVAL && errno != ENOSYS) return -1;
  struct stat status;
  if (lstat(to, &status) == 0) { errno = EEXIST; return -1; }
  return rename(from, to);
}

/// The names of an open file's extended attributes, each ended by a zero. The count of bytes, or -1.
static inline ssize_t clinux_list_attributes(int fd, char *buffer, size_t size) { return flistxattr(fd, buffer, size); }

#endif
