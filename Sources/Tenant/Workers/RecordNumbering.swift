import Glibc
package import SystemPackage

/// `<worker>-<n>` ids: the next number over what is there, created exclusively, tried again where somebody was faster.
package enum RecordNumbering {
  package static let maximumTries = 20

  /// The `n` of `<worker>-<n>`; `nil` for another worker's.
  package static func number(of stem: String, worker: String) -> Int? {
    guard stem.utf8.count > worker.utf8.count + 1, stem.hasPrefix(worker + "-") else { return nil }
    let digits = stem.utf8.dropFirst(worker.utf8.count + 1)
    guard digits.allSatisfy({ $0 >= 48 && $0 <= 57 }) else { return nil }
    return Int(String(decoding: Array(digits), as: UTF8.self))
  }

  /// Creates `<directory>/<worker>-<n>.json` with what `body` makes of the id.
  package static func create(
    _ worker: String, in directory: FilePath, also second: FilePath?, _ body: (String) -> [UInt8]
  ) throws -> String {
    for _ in 0..<maximumTries {
      var highest = 0
      for place in [directory, second].compactMap({ $0 }) {
        for stem in try Directory.stems(place, extension: "json") {
          if let number = number(of: stem, worker: worker) { highest = max(highest, number) }
        }
      }
      let id = "\(worker)-\(highest + 1)"
      let created = try FileLock.withDirectory(directory) { () throws(HostError) -> Bool in
        try AtomicFile.create(body(id), at: directory.appending("\(id).json"))
      }
      if created { return id }
    }
    throw Refusal(.conflict, "cannot number a record of \(worker): too many writers", hint: "try again")
  }
}
