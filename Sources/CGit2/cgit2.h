// libgit2 as Swift sees it. Swift cannot call C's variadic functions, so each use of one has an inline function here.
#ifndef CGIT2_H
#define CGIT2_H

#include <git2.h>

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

#endif
