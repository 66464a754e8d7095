#define _GNU_SOURCE
#include "pages.h"

#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <linux/userfaultfd.h>
#include <stdint.h>
#include <sys/auxv.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

// The kernel maps nothing around a fault where a userfaultfd waits for writes to protected pages: it would not hear of them. We protect none, and
// the kernel is to answer by itself, so nobody ever reads the descriptor. It holds for as long as that is open.

// Newer than many headers: UFFD_USER_MODE_ONLY (5.11; what a plain user may ask for) and UFFD_FEATURE_WP_ASYNC (6.7).
static const int user_mode_only = 1;
static const uint64_t kernel_answers_itself = 1 << 15;

static int register_object(struct dl_phdr_info *object, size_t size, void *descriptor) {
  (void)size;
  // The kernel's own, of no file.
  if (object->dlpi_addr != 0 && object->dlpi_addr == getauxval(AT_SYSINFO_EHDR)) return 0;
  uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
  for (int i = 0; i < object->dlpi_phnum; i++) {
    const ElfW(Phdr) *part = &object->dlpi_phdr[i];
    if (part->p_type != PT_LOAD || part->p_filesz == 0) continue;
    uintptr_t first = object->dlpi_addr + part->p_vaddr;
    uintptr_t start = first & ~(page - 1), end = (first + part->p_filesz + page - 1) & ~(page - 1);
    struct uffdio_register wish = {.range = {start, end - start}, .mode = UFFDIO_REGISTER_MODE_WP};
    // Nothing was ever written to what must not be.
    if (ioctl(*(int *)descriptor, UFFDIO_REGISTER, &wish) == 0 && !(part->p_flags & PF_W))
      madvise((void *)start, end - start, MADV_DONTNEED);
  }
  return 0;
}

int clinux_open_fault_guard(void) {
  int descriptor = (int)syscall(SYS_userfaultfd, O_CLOEXEC | user_mode_only);
  if (descriptor < 0) return -1;
  struct uffdio_api api = {.api = UFFD_API, .features = kernel_answers_itself};
  if (ioctl(descriptor, UFFDIO_API, &api) != 0) {
    int reason = errno;
    close(descriptor);
    errno = reason;
    return -1;
  }
  return descriptor;
}

static int held = -1;

int clinux_map_touched_pages_only(void) {
  if (held >= 0) return 0;
  held = clinux_open_fault_guard();
  if (held < 0) return -1;
  dl_iterate_phdr(register_object, &held);
  return 0;
}

void clinux_map_pages_around(void) {
  if (held >= 0) close(held);
  held = -1;
}
