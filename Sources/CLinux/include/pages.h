#ifndef CLINUX_PAGES_H
#define CLINUX_PAGES_H

/// What `clinux_map_touched_pages_only` needs of the kernel: a descriptor, or -1 with errno where it does not offer it (before Linux 6.7).
int clinux_open_fault_guard(void);

/// From now on a fault maps the one page of program or libraries that was touched, and those of code that a start ran through are given back.
/// 0; -1 with errno where the kernel does not offer it, and then nothing changed.
int clinux_map_touched_pages_only(void);

/// The end of that.
void clinux_map_pages_around(void);

#endif
