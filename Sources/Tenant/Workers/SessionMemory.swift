import Glibc
import SystemPackage

/// Gives back what only the start needed. A holder lives for days beside many others; the program's code that it mapped on its
/// way here stays counted as its memory until somebody else wants the room.
enum SessionMemory {
  /// Drops the pages of code, which are never written and come back from the file when they are run again.
  static func trim() {
    guard let maps = FileReading.of("/proc/self/maps", maximumBytes: 1 << 20).text else { return }
    for line in maps.split(separator: "\n") {
      let fields = line.split(separator: " ", maxSplits: 5)
      guard fields.count == 6, fields[1] == "r-xp", fields[5].drop(while: { $0 == " " }).first == "/" else { continue }
      let ends = fields[0].split(separator: "-").compactMap { UInt($0, radix: 16) }
      guard ends.count == 2, let start = unsafe UnsafeMutableRawPointer(bitPattern: ends[0]) else { continue }
      _ = unsafe madvise(start, Int(ends[1] - ends[0]), CInt(MADV_DONTNEED))
    }
  }
}
