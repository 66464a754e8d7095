import SystemPackage

/// Why a text is no ``ConfineSpec``.
package struct ConfineSpecError: Error, Hashable, Sendable, CustomStringConvertible {
  package var key: String

  package init(key: String) { self.key = key }

  package var description: String { "the confinement has no usable \"\(key)\"" }
}

extension ConfineSpec {
  package static let version: Int64 = 1

  package var json: JSON {
    [
      "v": .int(Self.version),
      "identity": identity.map(\.json) ?? .null,
      "umask": .optional(umask.map(Int.init)),
      "control_groups": .array(controlGroups.map { .string($0.string) }),
      "limits": .array(limits.map(\.json)),
      "no_new_privileges": .bool(noNewPrivileges),
      "landlock": landlock.map(\.json) ?? .null,
      "make": .array(make.map { .string($0.string) }),
      "directory": .optional(directory?.string),
      "new_session": .bool(newSession),
      "parent_death_signal": .optional(parentDeathSignal.map(Int.init)),
      "expected_parent": .optional(expectedParent.map(Int.init)),
      "oom_score": .optional(oomScore),
      "undumpable": .bool(undumpable),
      "keep": .array(keep.map { .int(Int64($0)) }),
    ]
  }

  /// Reads strictly: a key that is missing, of another type or unknown is an error, for a guard that was misread is a guard
  /// that was dropped.
  package init(json: JSON) throws(ConfineSpecError) {
    self.init()
    let fields = try Fields(json, version: Self.version, known: self.json)
    identity = try fields.optional("identity").map { value throws(ConfineSpecError) in try Identity(json: value) }
    umask = try fields.number("umask", UInt32.self)
    controlGroups = try fields.paths("control_groups")
    limits = try fields.list("limits").map { value throws(ConfineSpecError) in try Limit(json: value) }
    noNewPrivileges = try fields.flag("no_new_privileges")
    landlock = try fields.optional("landlock").map { value throws(ConfineSpecError) in try Landlock(json: value) }
    make = try fields.paths("make")
    directory = try fields.text("directory").map { FilePath($0) }
    newSession = try fields.flag("new_session")
    parentDeathSignal = try fields.number("parent_death_signal", Int32.self)
    expectedParent = try fields.number("expected_parent", Int32.self)
    oomScore = try fields.number("oom_score", Int.self)
    undumpable = try fields.flag("undumpable")
    keep = try fields.numbers("keep", Int32.self)
  }
}

extension ConfineSpec.Identity {
  fileprivate var json: JSON {
    ["uid": .int(Int64(uid)), "gid": .int(Int64(gid)), "groups": .array(groups.map { .int(Int64($0)) })]
  }

  fileprivate init(json: JSON) throws(ConfineSpecError) {
    let fields = try Fields(json)
    self.init(
      uid: try fields.required("uid", UInt32.self), gid: try fields.required("gid", UInt32.self),
      groups: try fields.numbers("groups", UInt32.self))
  }
}

extension ConfineSpec.Limit {
  /// "No limit" is null: the number for it does not fit a JSON integer.
  fileprivate var json: JSON {
    [
      "name": .string(resource.rawValue), "soft": .optional(Int64(exactly: soft)),
      "hard": .optional(Int64(exactly: hard)),
    ]
  }

  fileprivate init(json: JSON) throws(ConfineSpecError) {
    let fields = try Fields(json)
    guard let resource = try fields.text("name").flatMap(Resource.init(rawValue:)) else {
      throw ConfineSpecError(key: "limits.name")
    }
    self.init(
      resource, soft: try fields.number("soft", UInt64.self) ?? .max,
      hard: try fields.number("hard", UInt64.self) ?? .max)
  }
}

extension ConfineSpec.Landlock {
  fileprivate var json: JSON {
    [
      "rules": .array(
        rules.map {
          ["path": .string($0.path.string), "access": .string($0.access.rawValue), "required": .bool($0.required)]
        }),
      "scoped_sockets": .bool(scopedSockets),
    ]
  }

  fileprivate init(json: JSON) throws(ConfineSpecError) {
    let fields = try Fields(json)
    var rules: [Rule] = []
    for value in try fields.list("rules") {
      let rule = try Fields(value)
      guard let path = try rule.text("path"), let access = try rule.text("access").flatMap(Access.init(rawValue:))
      else {
        throw ConfineSpecError(key: "landlock.rules")
      }
      rules.append(Rule(FilePath(path), access, required: try rule.flag("required")))
    }
    self.init(rules: rules, scopedSockets: try fields.flag("scoped_sockets"))
  }
}

/// An object whose keys must all be there, null or not.
private struct Fields {
  private let members: JSONMembers

  init(_ json: JSON) throws(ConfineSpecError) {
    guard let members = json.object else { throw ConfineSpecError(key: "object") }
    self.members = members
  }

  init(_ json: JSON, version: Int64, known: JSON) throws(ConfineSpecError) {
    try self.init(json)
    guard members["v"]?.int == version else { throw ConfineSpecError(key: "v") }
    if let unknown = members.keys.first(where: { known[$0] == nil }) { throw ConfineSpecError(key: unknown) }
  }

  func value(_ key: String) throws(ConfineSpecError) -> JSON {
    guard let value = members[key] else { throw ConfineSpecError(key: key) }
    return value
  }

  func optional(_ key: String) throws(ConfineSpecError) -> JSON? {
    let value = try value(key)
    return value.isNull ? nil : value
  }

  func number<Number: FixedWidthInteger>(_ key: String, _ type: Number.Type) throws(ConfineSpecError) -> Number? {
    guard let value = try optional(key) else { return nil }
    guard let number = value.int.flatMap(Number.init(exactly:)) else { throw ConfineSpecError(key: key) }
    return number
  }

  func required<Number: FixedWidthInteger>(_ key: String, _ type: Number.Type) throws(ConfineSpecError) -> Number {
    guard let number = try number(key, type) else { throw ConfineSpecError(key: key) }
    return number
  }

  func text(_ key: String) throws(ConfineSpecError) -> String? {
    guard let value = try optional(key) else { return nil }
    guard let text = value.string, !text.isEmpty else { throw ConfineSpecError(key: key) }
    return text
  }

  func flag(_ key: String) throws(ConfineSpecError) -> Bool {
    guard let flag = try value(key).bool else { throw ConfineSpecError(key: key) }
    return flag
  }

  func list(_ key: String) throws(ConfineSpecError) -> [JSON] {
    guard let list = try value(key).array else { throw ConfineSpecError(key: key) }
    return list
  }

  func paths(_ key: String) throws(ConfineSpecError) -> [FilePath] {
    try list(key).map { value throws(ConfineSpecError) in
      guard let text = value.string, text.hasPrefix("/") else { throw ConfineSpecError(key: key) }
      return FilePath(text)
    }
  }

  func numbers<Number: FixedWidthInteger>(_ key: String, _ type: Number.Type) throws(ConfineSpecError) -> [Number] {
    try list(key).map { value throws(ConfineSpecError) in
      guard let number = value.int.flatMap(Number.init(exactly:)) else { throw ConfineSpecError(key: key) }
      return number
    }
  }
}
