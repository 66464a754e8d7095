package import SystemPackage
package import Tenant

/// What `tenant add` was told.
package struct TenantDraft: Sendable, Hashable {
  package var id: TenantID
  package var dataDirectory: FilePath
  package var user: String?
  package var interval: Duration?
  package var weight: Int?
  package var timeZone: String?
  package var repositories: [String: FilePath] = [:]
  package var usdPerDay: MicroUSD?
  package var tokensPerDay: Int64?
  package var decidesPerDay: Int64?
  package var maximumWorkers: Int?
  package var memory: ByteSize?
  package var cpu: CPUShare?
  package var disk: ByteSize?

  package init(id: TenantID, dataDirectory: FilePath) {
    self.id = id
    self.dataDirectory = dataDirectory
  }

  /// Its file. Only what was said is written, so that a later change of the defaults reaches the tenant.
  var yaml: String {
    var lines = [
      "# Tenant `\(id)` of looop-fleet. After a change: looop-fleet reload",
      "data_dir: \(quoted(dataDirectory.string))",
    ]
    if let user { lines.append("user: \(quoted(user))") }
    if let interval { lines.append("interval: \(DurationText.text(interval))") }
    if let weight { lines.append("weight: \(weight)") }
    if let timeZone { lines.append("time_zone: \(quoted(timeZone))") }
    if !repositories.isEmpty {
      lines.append("repos:")
      for (name, path) in repositories.sorted(by: { $0.key < $1.key }) {
        lines.append("  \(quoted(name)): \(quoted(path.string))")
      }
    }
    lines += block(
      "budget",
      [
        ("usd_per_day", usdPerDay.map(decimal)), ("tokens_per_day", tokensPerDay.map(String.init)),
        ("decides_per_day", decidesPerDay.map(String.init)),
      ])
    lines += block(
      "workers",
      [("max", maximumWorkers.map(String.init)), ("memory_max", memory.map(size)), ("cpu", cpu?.description)])
    lines += block("sandboxes", [("disk_max", disk.map(size))])
    return lines.map { $0 + "\n" }.joined()
  }

  private func block(_ name: String, _ entries: [(String, String?)]) -> [String] {
    let said = entries.compactMap { key, value in value.map { "  \(key): \($0)" } }
    return said.isEmpty ? [] : ["\(name):"] + said
  }

  private func decimal(_ usd: MicroUSD) -> String { usd.description.replacing("$", with: "") }

  /// Rounded up to whole kibibytes where it is none: a bare number is no size in the file.
  private func size(_ size: ByteSize) -> String {
    ByteSize(bytes: (size.bytes + 1023) / 1024 * 1024).description
  }

  /// Plain where YAML reads it back as it is, else in single quotes.
  private func quoted(_ text: String) -> String {
    let isPlain = text.utf8.allSatisfy { byte in
      (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) || (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte)
        || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
        || [UInt8(ascii: "/"), 0x2E, 0x5F, 0x2D].contains(byte)
    }
    return isPlain && text.contains(where: \.isLetter) && text.first != "-"
      ? text : "'" + text.replacing("'", with: "''") + "'"
  }
}
