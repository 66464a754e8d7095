import Glibc
import SystemPackage

/// Finds processes that work in a directory: by their working directory, root, program or open files. What another
/// user's processes do cannot be seen, and they could not write there either.
enum TreeUsers {
  static func find(in tree: FilePath) -> [String] {
    let prefix = tree.string + "/"
    func isInside(_ path: String?) -> Bool { path.map { $0 == tree.string || $0.hasPrefix(prefix) } ?? false }
    var found: [String] = []
    for name in Files.names("/proc") {
      guard let pid = Int32(name), pid != getpid() else { continue }
      let process = FilePath("/proc").appending(name)
      let places = ["cwd", "root", "exe"].map { Files.linkTarget(process.appending($0)) }
      let descriptors = process.appending("fd")
      // The root of nearly every process is "/": cheap to rule out before its descriptors are read.
      if places.contains(where: isInside)
        || Files.names(descriptors).contains(where: { isInside(Files.linkTarget(descriptors.appending($0))) })
      {
        let command = Files.line(process.appending("comm")) ?? "?"
        found.append("process \(pid) (\(command))")
      }
    }
    return found
  }
}
