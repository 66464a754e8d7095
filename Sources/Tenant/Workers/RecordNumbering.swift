import Glibc
package import SystemPackage

/// `<worker>-<n>` ids: the next number over what is there, created exclusively, tried again where somebody was faster.
package enum RecordNumbering {
  package static let maximumTries = 20

  /// Creates `<directory>/<worker>-<n>.json` with what `body` makes of the id.
  package static func create(
    _ worker: String, in directory: FilePath, also second: FilePath?, _ body: (String) -> [UInt8]
  ) throws -> String {
    for _ in 0..<maximumTries {
      let stems = try [directory, second].compactMap { $0 }.flatMap { try Directory.stems($0, extension: "json") }
      let used = stems.compactMap { RecordNumbers.number(of: $0, worker: worker) }
      let id = "\(worker)-\(RecordNumbers.next(after: used))"
      let created = try FileLock.withDirectory(directory) { () throws(HostError) -> Bool in
        try AtomicFile.create(body(id), at: directory.appending("\(id).json"))
      }
      if created { return id }
    }
    throw Refusal(.conflict, "cannot number a record of \(worker): too many writers", hint: "try again")
  }
}
