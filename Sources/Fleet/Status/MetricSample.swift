/// One figure of `/metrics`, as its owner counts it.
package struct MetricSample: Hashable, Sendable {
  package enum Kind: String, Sendable { case counter, gauge }

  /// Without the `looop_fleet_` that all of them begin with; counters end in `_total`, units are in the name (`_seconds`, `_bytes`).
  package var name: String
  package var help: String
  package var kind: Kind
  package var labels: [String: String]
  package var value: Double

  package init(_ name: String, help: String, kind: Kind, labels: [String: String] = [:], value: Double) {
    self.name = name
    self.help = help
    self.kind = kind
    self.labels = labels
    self.value = value
  }
}
