import CGit2
import Glibc

/// The entries of an index, by position, for several threads: each position is written by one thread only.
@safe
struct EntryList: @unchecked Sendable {
  // SAFETY: points into an index that outlives the list; threads touch disjoint positions.
  private let entries: [UnsafeMutablePointer<git_index_entry>]

  init(_ index: borrowing Index) {
    var entries: [UnsafeMutablePointer<git_index_entry>] = unsafe []
    unsafe entries.reserveCapacity(index.count)
    for position in 0..<index.count {
      if let entry = unsafe index.entry(position) { unsafe entries.append(UnsafeMutablePointer(mutating: entry)) }
    }
    unsafe self.entries = entries
  }

  var count: Int { unsafe entries.count }
  subscript(_ position: Int) -> UnsafeMutablePointer<git_index_entry> { unsafe entries[position] }

  func bytes(_ position: Int) -> [UInt8] {
    let path = unsafe entries[position].pointee.path!
    return unsafe [UInt8](UnsafeRawBufferPointer(start: path, count: strlen(path)))
  }
}
