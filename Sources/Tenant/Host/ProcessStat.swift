import SystemPackage

/// What `/proc/PID/stat` says of a process, as far as anybody here asks.
package struct ProcessStat: Hashable, Sendable {
  /// A zombie, or already gone.
  package var isEnded: Bool
  package var parent: Int32
  package var session: Int32
  /// Clock ticks after boot.
  package var startTime: Int64

  package init?(parsing text: String) {
    // The command's name is in parentheses and may hold any character.
    guard let close = text.lastIndex(of: ")") else { return nil }
    let fields = text[text.index(after: close)...].split(separator: " ", maxSplits: 20)
    guard fields.count > 19, let parent = Int32(fields[1]), let session = Int32(fields[3]),
      let startTime = Int64(fields[19])
    else { return nil }
    isEnded = fields[0] == "Z" || fields[0] == "X"
    self.parent = parent
    self.session = session
    self.startTime = startTime
  }

  /// `nil` where there is none, or `/proc` hides it.
  package static func of(_ pid: Int32) -> ProcessStat? {
    guard pid > 0 else { return nil }
    return FileReading.of(FilePath("/proc/\(pid)/stat"), maximumBytes: 4096).text.flatMap(ProcessStat.init(parsing:))
  }
}
