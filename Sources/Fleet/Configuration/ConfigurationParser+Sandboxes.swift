internal import Yams

extension ConfigurationParser {
  func sandboxes(_ node: Node?, _ reader: inout DocumentReader) -> SandboxSettings {
    var settings = SandboxSettings()
    let entries = reader.entries(node, "`sandboxes:`", known: ConfigurationKeys.sandboxes)
    if let node = entries["disk_max"] {
      settings.disk = reader.limit(node, "disk_max", "a size such as 20G", hint: Self.sizeHint) { ByteSize($0) }
    }
    if let node = entries["setup"] { settings.setup = reader.limit(node, "setup", "a command") { $0 } }
    if let node = entries["teardown"] { settings.teardown = reader.limit(node, "teardown", "a command") { $0 } }
    if let node = entries["setup_timeout"] {
      settings.setupTimeout = reader.duration(node, "setup_timeout", in: .seconds(1) ... .seconds(86_400))
    }
    if let node = entries["include"] { settings.include = include(node, &reader) }
    if let node = entries["ports"] { settings.ports = reader.integer(node, "ports", in: 0...1000).map(Int.init) }
    if let node = entries["warm_pool"] {
      settings.warmPool = reader.integer(node, "warm_pool", in: 0...64).map(Int.init)
    }
    let year = Duration.seconds(366 * 86_400)
    if let node = entries["keep"] { settings.keep = reader.duration(node, "keep", in: .zero...year) }
    if let node = entries["keep_failed"] {
      settings.keepFailed = reader.duration(node, "keep_failed", in: .zero...year)
    }
    if let node = entries["private"] { settings.isPrivate = reader.boolean(node, "private") }
    return settings
  }

  private func include(_ node: Node, _ reader: inout DocumentReader) -> SandboxConfiguration.Include? {
    if case .sequence = node { return .patterns(reader.words(node, "include").map(\.text)) }
    return reader.boolean(node, "include").map { $0 ? .listed : .none }
  }

  /// `20000-29999`: the ports that sandboxes get theirs from.
  func portRange(_ node: Node, _ reader: inout DocumentReader) -> ClosedRange<Int>? {
    guard let text = reader.text(node, "port_range") else { return nil }
    let ends = text.split(separator: "-", omittingEmptySubsequences: false).map { Int($0) }
    guard ends.count == 2, let first = ends[0], let last = ends[1], 1024 <= first, first < last, last <= 65_535 else {
      reader.refuse(
        node, "`port_range` must be two ports from 1024 to 65535, not `\(text)`",
        hint: "write `port_range: 20000-29999`")
      return nil
    }
    return first...last
  }
}
