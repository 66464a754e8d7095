/// The numbers of records named `<worker>-<n>`.
package enum RecordNumbers {
  /// The `n` of `<worker>-<n>`; `nil` for another worker's.
  package static func number(of stem: String, worker: String) -> Int? {
    guard stem.utf8.count > worker.utf8.count + 1, stem.hasPrefix(worker + "-") else { return nil }
    let digits = stem.utf8.dropFirst(worker.utf8.count + 1)
    guard digits.allSatisfy({ $0 >= 48 && $0 <= 57 }) else { return nil }
    return Int(String(decoding: Array(digits), as: UTF8.self))
  }

  /// The next one over those in use. Somebody's debris may have the last number that there is: then it follows the highest one that has a
  /// free number behind it.
  package static func next(after used: some Sequence<Int>) -> Int {
    let used = Set(used.lazy.filter { $0 > 0 })
    return (used.lazy.filter { $0 < .max && !used.contains($0 + 1) }.max() ?? 0) + 1
  }
}
