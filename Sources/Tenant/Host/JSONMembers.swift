/// The members of a JSON object, in the order of their keys' bytes: as they are printed and hashed. Most objects have few, and what we wrote
/// ourselves comes sorted, so that a list costs less to read, to look into and to print than a table.
package struct JSONMembers: Sendable {
  package typealias Element = (key: String, value: JSON)

  /// Strictly ascending.
  private var members: [Element] = []

  /// Up to here a look at each is faster than a search.
  private static let few = 8

  package init() {}

  /// In any order; of members with one key the last counts.
  package init(_ members: [Element]) {
    self.members = members
    if !isAscending { sort() }
  }

  package init(_ members: some Sequence<(String, JSON)>) {
    self.init(members.map { (key: $0.0, value: $0.1) })
  }

  package init(_ members: [String: JSON]) { self.init(Array(members)) }

  private var isAscending: Bool {
    for index in members.indices.dropFirst()
    where !members[index - 1].key.precedesInBytes(members[index].key) {
      return false
    }
    return true
  }

  private mutating func sort() {
    let ordered = members.indices.sorted { one, other in
      let first = members[one].key
      let second = members[other].key
      if first.precedesInBytes(second) { return true }
      return !second.precedesInBytes(first) && one < other
    }
    var sorted: [Element] = []
    sorted.reserveCapacity(members.count)
    for index in ordered {
      if sorted.last?.key == members[index].key { sorted.removeLast() }
      sorted.append(members[index])
    }
    members = sorted
  }

  /// Where the key is, or would be.
  private func place(of key: String) -> (index: Int, isThere: Bool) {
    if members.count <= Self.few, let index = members.firstIndex(where: { $0.key == key }) { return (index, true) }
    var low = 0
    var high = members.count
    while low < high {
      let middle = (low + high) / 2
      if members[middle].key.precedesInBytes(key) { low = middle + 1 } else { high = middle }
    }
    return (low, low < members.count && members[low].key == key)
  }

  package subscript(key: String) -> JSON? {
    get {
      if members.count <= Self.few { return members.first { $0.key == key }?.value }
      let place = place(of: key)
      return place.isThere ? members[place.index].value : nil
    }
    set {
      let place = place(of: key)
      switch (newValue, place.isThere) {
      case (let value?, true): members[place.index].value = value
      case (let value?, false): members.insert((key, value), at: place.index)
      case (nil, true): members.remove(at: place.index)
      case (nil, false): break
      }
    }
  }

  package var keys: [String] { members.map(\.key) }

  package func mapValues<Value>(_ transform: (JSON) throws -> Value) rethrows -> [String: Value] {
    try compactMapValues { try transform($0) }
  }

  package func compactMapValues<Value>(_ transform: (JSON) throws -> Value?) rethrows -> [String: Value] {
    // Keys that differ in their bytes may still be one text to a dictionary.
    Dictionary(
      try members.compactMap { member in try transform(member.value).map { (member.key, $0) } },
      uniquingKeysWith: { _, last in last })
  }
}

extension JSONMembers: RandomAccessCollection {
  package var startIndex: Int { members.startIndex }
  package var endIndex: Int { members.endIndex }
  package subscript(position: Int) -> Element { members[position] }
}

extension JSONMembers: Hashable {
  package static func == (one: JSONMembers, other: JSONMembers) -> Bool { one.elementsEqual(other, by: ==) }

  package func hash(into hasher: inout Hasher) {
    for (key, value) in members {
      hasher.combine(key)
      hasher.combine(value)
    }
  }
}

extension JSONMembers: ExpressibleByDictionaryLiteral {
  package init(dictionaryLiteral elements: (String, JSON)...) { self.init(elements) }
}
