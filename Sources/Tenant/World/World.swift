import SystemPackage

/// The world at one moment, from one read: the policy (PLAYBOOK and goals) and the snapshots, with their hash and the items
/// that a later diff compares. Everything that a prompt says about the world comes from this value, never from a second look.
package struct World: Hashable, Sendable {
  package struct Goal: Hashable, Sendable {
    package var id: String
    package var reading: FileReading
  }

  package struct Snapshot: Hashable, Sendable {
    /// `sensor-NAME` or `sys-NAME`.
    package let stem: String
    package let bytes: [UInt8]
    /// `nil` where the text is not JSON: such a snapshot is hashed and shown verbatim.
    package let json: JSON?
    /// What wakes the loop: `.signal` where there is one, else the whole value; compact.
    package let signal: String?

    package init(stem: String, bytes: [UInt8]) {
      self.stem = stem
      self.bytes = bytes
      // Losing the reason is right: a sensor may print what it likes.
      json = try? JSON(parsing: bytes)
      signal = Self.signal(of: json)
    }

    package init(stem: String, json: JSON) {
      self.stem = stem
      self.json = json
      signal = Self.signal(of: json)
      bytes = Array((json.compact + "\n").utf8)
    }

    private static func signal(of json: JSON?) -> String? { json.map { ($0["signal"] ?? $0).compact } }

    /// The line of the items map.
    var item: String { signal ?? "(non-JSON, \(bytes.count) bytes, fnv \(WorldHash.of(bytes)))" }

    /// The bytes that are hashed.
    var payload: [UInt8] { (signal.map { Array($0.utf8) } ?? bytes) + [0x0A] }

    package var text: String { String(decoding: bytes, as: UTF8.self) }
  }

  package var playbook: FileReading
  package var goals: [Goal]
  package var snapshots: [Snapshot]
  package var hash: String
  /// The same over PLAYBOOK and goals only: an edit of these lifts a backoff.
  package var policyHash: String
  /// `playbook`, `goal:<id>` → content hash or `!unreadable`; `snap:<stem>` → its signal.
  package var items: [String: String]
  /// Directories that could not be listed. While there is one, nobody knows whether the world has changed: fail closed.
  package var problems: [HostError]

  package init(playbook: FileReading, goals: [Goal], snapshots: [Snapshot], problems: [HostError] = []) {
    self.playbook = playbook
    self.goals = goals
    self.snapshots = snapshots
    self.problems = problems
    var hash = WorldHash()
    var items: [String: String] = [:]
    Self.add("PLAYBOOK.md", playbook, &hash).map { items["playbook"] = $0 }
    for goal in goals {
      Self.add("goals/\(goal.id).md", goal.reading, &hash).map { items["goal:\(goal.id)"] = $0 }
    }
    policyHash = hash.hex
    for snapshot in snapshots {
      hash.section("snapshots/\(snapshot.stem).json", snapshot.payload)
      items["snap:\(snapshot.stem)"] = snapshot.item
    }
    self.hash = hash.hex
    self.items = items
  }

  private static func add(_ path: String, _ reading: FileReading, _ hash: inout WorldHash) -> String? {
    switch reading {
    case .absent: return nil
    case .unreadable:
      hash.unreadable(path)
      return "!unreadable"
    case .contents(let bytes):
      hash.section(path, bytes)
      return WorldHash.of(bytes)
    }
  }

  /// Reads the world. `readings` (stem → value) take the place of the files of the same name: their details are fresher.
  package static func read(_ data: DataDir, readings: [String: JSON] = [:]) -> World {
    var problems: [HostError] = []
    let goals = stems(data.goals, "md", &problems).compactMap { id -> Goal? in
      let reading = policyFile(data.goal(id))
      return reading == .absent ? nil : Goal(id: id, reading: reading)
    }
    let onDisk = stems(data.snapshots, "json", &problems)
    let all = Set(onDisk).union(readings.keys).sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    let snapshots = all.compactMap { stem -> Snapshot? in
      if let value = readings[stem] { return Snapshot(stem: stem, json: value) }
      switch FileReading.of(data.snapshots.appending("\(stem).json")) {
      case .absent: return nil
      case .contents(let bytes): return Snapshot(stem: stem, bytes: bytes)
      case .unreadable(let error):
        problems.append(error)
        return nil
      }
    }
    return World(playbook: policyFile(data.playbook), goals: goals, snapshots: snapshots, problems: problems)
  }

  /// A directory in a file's place counts as absent.
  private static func policyFile(_ path: FilePath) -> FileReading {
    let reading = FileReading.of(path)
    if case .unreadable = reading, Directory.exists(path) { return .absent }
    return reading
  }

  private static func stems(_ path: FilePath, _ suffix: String, _ problems: inout [HostError]) -> [String] {
    do throws(HostError) {
      return try Directory.stems(path, extension: suffix)
    } catch {
      problems.append(error)
      return []
    }
  }
}

extension World {
  /// The items as `.last-world.json` keeps them.
  package var itemsJSON: JSON { .object(items.mapValues(JSON.string)) }
}
