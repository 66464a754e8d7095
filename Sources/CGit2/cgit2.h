// libgit2 as Swift sees it. Swift cannot call C's variadic functions, so each use of one has an inline function here.
#ifndef CGIT2_H
#define CGIT2_H

// Swift holds C modules to one definition of each type, and `fd_set` has two: its member's name depends on macros that
// other packages' modules set. libgit2 needs none of it, so it is not read here.
#ifndef _SYS_SELECT_H
#define _SYS_SELECT_H 1
#endif
#include <git2.h>
#include <git2/sys/repository.h>

/// Lets repositories be opened whose `extensions.*` libgit2 does not know by itself.
static inline int cgit2_set_extensions(const char **names, size_t count) {
  return git_libgit2_opts(GIT_OPT_SET_EXTENSIONS, names, count);
}

/// Sets the path that a configuration level (GIT_CONFIG_LEVEL_*) is searched in.
static inline int cgit2_set_search_path(int level, const char *path) {
  return git_libgit2_opts(GIT_OPT_SET_SEARCH_PATH, level, path);
}

/// Turns the check of a repository's owner on or off.
static inline int cgit2_set_owner_validation(int enabled) {
  return git_libgit2_opts(GIT_OPT_SET_OWNER_VALIDATION, enabled);
}

/// Whether each object that is read is hashed again; git's own program does not.
static inline int cgit2_set_hash_verification(int enabled) {
  return git_libgit2_opts(GIT_OPT_ENABLE_STRICT_HASH_VERIFICATION, enabled);
}

/// Whether objects and refs are on the disk before a write of them returns.
static inline int cgit2_set_synchronous_writes(int enabled) {
  return git_libgit2_opts(GIT_OPT_ENABLE_FSYNC_GITDIR, enabled);
}

/// How many bytes of objects are kept in memory.
static inline int cgit2_set_cache_size(ssize_t bytes) {
  return git_libgit2_opts(GIT_OPT_SET_CACHE_MAX_SIZE, bytes);
}

/// How many bytes of packs are mapped at once.
static inline int cgit2_set_mapped_limit(size_t bytes) {
  return git_libgit2_opts(GIT_OPT_SET_MWINDOW_MAPPED_LIMIT, bytes);
}

/// How many bytes of a pack are mapped in one piece.
static inline int cgit2_set_window_size(size_t bytes) {
  return git_libgit2_opts(GIT_OPT_SET_MWINDOW_SIZE, bytes);
}

#endif
