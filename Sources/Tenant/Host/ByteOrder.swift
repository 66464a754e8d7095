import Glibc

extension String {
  /// The order of the bytes, which is that of the characters' numbers: the same for every reader of a data dir. Swift's own `<` compares
  /// what the text means, and costs more.
  package func precedesInBytes(_ other: String) -> Bool {
    let verdict = unsafe utf8.withContiguousStorageIfAvailable { own in
      unsafe other.utf8.withContiguousStorageIfAvailable { others in
        let common = min(own.count, others.count)
        let order = common == 0 ? 0 : unsafe memcmp(own.baseAddress!, others.baseAddress!, common)
        return order == 0 ? own.count < others.count : order < 0
      }
    }
    return verdict.flatMap(\.self) ?? utf8.lexicographicallyPrecedes(other.utf8)
  }
}
