import CLinux
import Glibc
import SystemPackage

/// The pages of program and libraries that a process holds. The kernel maps sixteen around each that is touched, so that what a start ran through
/// is soon most of what a small process holds. Two ways against that: to map fewer from now on, and to give back what was mapped.
package enum ProgramPages {
  /// For a process that runs through much once: from here on it holds of them only what it touches, and what its start ran through goes. Each
  /// page is then a fault of its own, a microsecond. Before Linux 6.7 nothing changes. Not for two threads at a time.
  package static func mapTouchedOnly() { _ = clinux_map_touched_pages_only() }

  /// What comes is soon over: as the kernel does it by itself.
  package static func mapAround() { clinux_map_pages_around() }

  /// Whether this kernel offers it, to this process.
  package static var canMapTouchedOnly: Bool {
    let descriptor = clinux_open_fault_guard()
    return descriptor >= 0 && close(descriptor) == 0
  }

  /// Gives back what is still as its file has it: it comes back from there when it is touched again. What was written to is the process's own
  /// and stays.
  package static func giveBack() {
    guard let maps = FileReading.of("/proc/self/maps", maximumBytes: 1 << 20).text,
      let pages = try? OwnedDescriptor(opening: "/proc/self/pagemap", O_RDONLY)
    else { return }
    // Another thread could write to a page between our look and the end of it.
    let isAlone = Self.isOneThread
    for line in maps.split(separator: "\n") {
      let fields = line.split(separator: " ", maxSplits: 5)
      guard fields.count == 6, fields[1].hasSuffix("p"), isAlone || fields[1].dropFirst().first == "-",
        fields[5].drop(while: { $0 == " " }).first == "/"
      else { continue }
      let ends = fields[0].split(separator: "-").compactMap { UInt($0, radix: 16) }
      guard ends.count == 2 else { continue }
      // Nothing was ever written to code.
      if fields[1] == "r-xp" { drop(ends[0]..<ends[1]) } else { giveBack(ends[0]..<ends[1], pages) }
    }
  }

  private static var isOneThread: Bool {
    var status = stat()
    // A directory for each thread, beside its own two names.
    return unsafe stat("/proc/self/task", &status) == 0 && status.st_nlink == 3
  }

  private static func giveBack(_ range: Range<UInt>, _ pages: borrowing OwnedDescriptor) {
    let size = UInt(sysconf(CInt(_SC_PAGESIZE)))
    var entries = [UInt64](repeating: 0, count: range.count / Int(size))
    let offset = off_t(range.lowerBound / size) * 8
    let count = unsafe entries.withUnsafeMutableBytes { unsafe pread(pages.raw, $0.baseAddress, $0.count, offset) }
    guard count == entries.count * 8 else { return }
    var index = 0
    while index < entries.count {
      let run = entries[index...].prefix(while: isTheFiles).count
      let start = range.lowerBound + UInt(index) * size
      if run > 0 { drop(start..<start + UInt(run) * size) }
      index += run + 1
    }
  }

  private static func drop(_ range: Range<UInt>) {
    guard let start = unsafe UnsafeMutableRawPointer(bitPattern: range.lowerBound) else { return }
    _ = unsafe madvise(start, range.count, CInt(MADV_DONTNEED))
  }

  /// Of a private mapping: there, and never written to (bits 63 and 61 of `/proc/PID/pagemap`).
  private static func isTheFiles(_ entry: UInt64) -> Bool { entry >> 61 & 0b101 == 0b101 }
}
