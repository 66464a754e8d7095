import SystemPackage
import Tenant

/// What the sandbox helper is asked to do for one tenant, made of its configuration and of what is known of its workers: plain
/// values in, a request document out. The helper's side is `SandboxRequest`.
struct SandboxOrder: Hashable, Sendable {
  var tenant: TenantConfiguration
  var root: FilePath
  /// What must stay free on the disk.
  var freeFloor: Int64
  /// Repositories that other tenants name as well.
  var shared: Set<FilePath>

  private var settings: SandboxConfiguration { tenant.sandboxes }
  private var base: JSON { ["root": .string(root.string), "tenant": .string(tenant.id.name)] }

  /// Two tenants that name one repository get private ones that borrow its objects.
  func isPrivate(_ source: FilePath) -> Bool { settings.isPrivate || shared.contains(source) }

  /// How the directories stand that the worker will be able to change, but for those that are `known`.
  func baseline(_ record: WorkerRecord, repo: String, source: FilePath, known: [String]) -> JSON {
    var request = about(record.id, repo: repo, source: source)
    request["base"] = .optional(record.base)
    request["known"] = .array(known.map(JSON.string))
    return request
  }

  /// - `used`: what the tenant's sandboxes occupy, as far as it is known without measuring.
  func creation(
    _ record: WorkerRecord, repo: String, source: FilePath, ports: PortLeases.Block?, used: Int64? = nil
  ) -> JSON {
    var request = about(record.id, repo: repo, source: source)
    request["base"] = .optional(record.base)
    request["disk_max_bytes"] = .optional(settings.disk?.bytes)
    request["disk_used_bytes"] = .optional(used)
    request["free_floor_bytes"] = .int(freeFloor)
    request["start"] = .string(record.generation)
    request["setup"] = .optional(settings.setup)
    request["setup_timeout_s"] = .int(settings.setupTimeout.components.seconds)
    request["include"] =
      switch settings.include {
      case .none: false
      case .listed: true
      case .patterns(let patterns): .array(patterns.map(JSON.string))
      }
    if let ports { request["ports"] = ports.json }
    return request
  }

  /// Long enough for the setup that the configuration allows, and for a checkout on a slow disk.
  var creationDeadline: Double { Double(settings.setupTimeout.components.seconds) + 600 }

  /// - `baselines`: how the repository's directories stood before its workers came, from where none of them could change it.
  func removal(
    _ worker: String, repo: String, source: FilePath, ports: PortLeases.Block?, baselines: [JSON]
  ) -> JSON {
    var request = about(worker, repo: repo, source: source)
    if let ports { request["ports"] = ports.json }
    request["teardown"] = .optional(settings.teardown)
    request["teardown_timeout_s"] = .int(Self.teardownTimeout)
    request["baselines"] = .array(baselines)
    request["free_floor_bytes"] = .int(freeFloor)
    request["sweep"] = false
    return request
  }

  /// Seconds. Whoever waits for a place to work waits for it.
  static let teardownTimeout: Int64 = 60

  /// - `repairs`: false for a look whether what the audit refused to live with has been mended.
  func audit(_ worker: String, repo: String, source: FilePath, baselines: [JSON], repairs: Bool = true) -> JSON {
    var request = about(worker, repo: repo, source: source)
    request["baselines"] = .array(baselines)
    request["repair"] = .bool(repairs)
    return request
  }

  /// All of the tenant's sandboxes, with what is known of their workers.
  ///
  /// - `strangers`: for so many seconds one whose worker nobody knows is left alone; nil: for the helper's own time.
  func look(_ workers: [TenantReport.Worker], busy: Set<String>, strangers: Int64? = nil) -> JSON {
    var request = base
    request["repos"] = .object(tenant.repositories.mapValues { .string($0.string) })
    request["live"] = .array(busy.sorted().map(JSON.string))
    request["keep_s"] = [
      "default": .int(settings.keep.components.seconds), "failed": .int(settings.keepFailed.components.seconds),
    ]
    if let strangers { request["keep_s"]?["unknown"] = .int(strangers) }
    request["workers"] = .array(
      workers.filter { !busy.contains($0.record.id) }.map { worker in
        [
          "id": .string(worker.record.id), "live": .bool(!worker.hasEnded),
          "outcome": .string(worker.hasFailed ? "failed" : "completed"), "ended_at": .optional(worker.endedAt),
        ]
      })
    return request
  }

  /// The same, after a sweep.
  func tending(_ workers: [TenantReport.Worker], busy: Set<String>) -> JSON {
    var request = look(workers, busy: busy)
    request["pool_max"] = .int(Int64(settings.warmPool))
    request["free_floor_bytes"] = .int(freeFloor)
    request["disk_max_bytes"] = .optional(settings.disk?.bytes)
    request["retire"] = .bool(!tenant.repositories.values.contains(where: isPrivate))
    return request
  }

  /// About the work of one worker, wherever it is.
  ///
  /// - `record`: of its last start. The name may have been used before, and it may be gone.
  func work(of worker: String, _ record: WorkerRecord?) -> JSON {
    var request = base
    request["repos"] = .object(tenant.repositories.mapValues { .string($0.string) })
    request["worker"] = .string(worker)
    if let record, let started = record.startedAt {
      request["last"] = [
        "repo": .optional(record.repo), "branch": .optional(record.branch), "started_at": .int(started),
      ]
    }
    return request
  }

  func preflight(_ source: FilePath, base: String?) -> JSON {
    var request = self.base
    request["repo_path"] = .string(source.string)
    request["base"] = .optional(base)
    return request
  }

  /// How long a worker's sandbox stays after its end.
  func keeps(_ worker: TenantReport.Worker) -> Duration { worker.hasFailed ? settings.keepFailed : settings.keep }

  private func about(_ worker: String, repo: String, source: FilePath) -> JSON {
    var request = base
    request["worker"] = .string(worker)
    request["repo_name"] = .string(repo)
    request["repo_path"] = .string(source.string)
    request["private"] = .bool(isPrivate(source))
    return request
  }
}

extension TenantReport.Worker {
  var hasEnded: Bool { record.phase == .exited || record.phase == .failed }
  /// One that was ended by `kill` has done what it was asked for, as far as anybody can tell.
  var hasFailed: Bool { record.phase == .failed || (exitCode ?? 0) != 0 }
}
