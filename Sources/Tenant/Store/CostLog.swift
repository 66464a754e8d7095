import CLinux
import Glibc
package import SystemPackage

/// `cost.jsonl`: every charge of a standalone tenant, appended, never rewritten.
package struct CostLog: Sendable {
  package let path: FilePath

  package init(_ data: DataDir) { path = data.costs }

  package func append(_ row: CostRow) throws(HostError) {
    try AppendLog(path, maximumBytes: 0).append(row.json.compact)
  }

  /// All rows that can be read, oldest first, one by one: the file may be years old. A torn line is not a row: what it would have
  /// said is still reserved.
  package func forEach(_ body: (CostRow) -> Void) throws(HostError) { try read(lastBytes: nil, body) }

  /// Today's rows stand at the end; a day's rows are far fewer bytes than this.
  private static let tail = 4 << 20

  package func recent(_ body: (CostRow) -> Void) throws(HostError) { try read(lastBytes: Self.tail, body) }

  private func read(lastBytes: Int?, _ body: (CostRow) -> Void) throws(HostError) {
    guard unsafe path.withPlatformString({ unsafe access($0, F_OK) }) == 0 || errno != ENOENT else { return }
    let file = try OwnedDescriptor(opening: path, O_RDONLY | O_NONBLOCK, operation: "read")
    var status = stat()
    guard unsafe fstat(file.raw, &status) == 0 else { throw .last("read", path) }
    guard status.st_mode & S_IFMT == S_IFREG else { throw HostError("read", path, errno: EINVAL) }
    if let lastBytes, Int(status.st_size) > lastBytes {
      _ = lseek(file.raw, off_t(status.st_size) - off_t(lastBytes), SEEK_SET)
    }
    var splitter = LineSplitter(limit: 1 << 20)
    var buffer = [UInt8](repeating: 0, count: 65536)
    let each = { (line: [UInt8]) in
      // Losing the reason is right: see above.
      if let row = (try? JSON(parsing: line)).flatMap(CostRow.init(json:)) { body(row) }
    }
    while true {
      let count = unsafe buffer.withUnsafeMutableBytes { unsafe Glibc.read(file.raw, $0.baseAddress, $0.count) }
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else { throw .last("read", path) }
      if count == 0 { break }
      splitter.feed(Array(buffer[..<count]), each)
    }
    splitter.finish(each)
  }
}
