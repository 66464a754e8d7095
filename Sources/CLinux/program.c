#define _GNU_SOURCE
#include "program.h"

#include <link.h>
#include <stddef.h>
#include <sys/mman.h>
#include <unistd.h>

// The program is the first of the objects, and the only one whose code nobody relocated as far as we can know.
static int give_back(struct dl_phdr_info *program, size_t size, void *data) {
  (void)size; (void)data;
  const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE) - 1;
  for (int i = 0; i < program->dlpi_phnum; i++) {
    const ElfW(Phdr) *segment = &program->dlpi_phdr[i];
    // Of what can be written a private copy would be lost.
    if (segment->p_type != PT_LOAD || !(segment->p_flags & PF_X) || segment->p_flags & PF_W) continue;
    const uintptr_t start = (program->dlpi_addr + segment->p_vaddr) & ~page;
    const uintptr_t end = (program->dlpi_addr + segment->p_vaddr + segment->p_filesz + page) & ~page;
    madvise((void *)start, end - start, MADV_DONTNEED);
  }
  return 1;
}

void clinux_give_back_code(void) { dl_iterate_phdr(give_back, NULL); }
