/// The configuration that a fleet runs on.
package struct AppliedConfiguration: Sendable, Hashable {
  package var fleet: FleetConfiguration
  package var tenants: [TenantID: TenantConfiguration]

  package init(fleet: FleetConfiguration, tenants: [TenantID: TenantConfiguration]) {
    self.fleet = fleet
    self.tenants = tenants
  }
}

/// What differs between two configurations, for the reconciler and for the one who typed `reload`.
package struct ConfigurationDiff: Sendable, Hashable {
  package let added: [TenantID]
  package let removed: [TenantID]
  package let changed: [TenantID]
  package let fleetChanged: Bool

  package init(from old: AppliedConfiguration, to new: AppliedConfiguration) {
    added = new.tenants.keys.filter { old.tenants[$0] == nil }.sorted()
    removed = old.tenants.keys.filter { new.tenants[$0] == nil }.sorted()
    changed = new.tenants.filter { id, tenant in old.tenants[id] != nil && old.tenants[id] != tenant }.keys.sorted()
    fleetChanged = old.fleet != new.fleet
  }

  package var isEmpty: Bool { added.isEmpty && removed.isEmpty && changed.isEmpty && !fleetChanged }
}

/// Decides what a fleet runs on after its files were read again: the new where they are good, the last good where they are not.
package struct ConfigurationReload: Sendable, Hashable {
  package let configuration: AppliedConfiguration
  package let diff: ConfigurationDiff
  /// Tenants that go on with what they had, because their file is refused.
  package let kept: [TenantID]
  package let refused: [ConfigurationProblem]

  /// Nil when there is nothing to run on: no last good one, and `fleet.yaml` is refused.
  ///
  /// A tenant goes only when its file is gone, never because it cannot be read. While `fleet.yaml` is refused nothing changes at
  /// all: tenants read below unknown defaults would lose their caps.
  package init?(last: AppliedConfiguration?, load: ConfigurationLoad) {
    guard let fleet = load.fleet else {
      guard let last else { return nil }
      configuration = last
      diff = ConfigurationDiff(from: last, to: last)
      kept = last.tenants.keys.sorted()
      refused = load.refused
      return
    }
    var tenants = Dictionary(uniqueKeysWithValues: load.tenants.map { ($0.id, $0) })
    var kept: Set<TenantID> = []
    for tenant in load.refused.compactMap(\.tenant) where tenants[tenant] == nil {
      guard let before = last?.tenants[tenant] else { continue }
      tenants[tenant] = before
      kept.insert(tenant)
    }
    configuration = AppliedConfiguration(fleet: fleet, tenants: tenants)
    diff = ConfigurationDiff(from: last ?? AppliedConfiguration(fleet: fleet, tenants: [:]), to: configuration)
    self.kept = kept.sorted()
    refused = load.refused
  }
}
