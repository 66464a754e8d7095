import ArgumentParser
import SystemPackage
import Tenant

/// The ids that a shell offers on TAB, read from the data dir at that moment. A data dir that cannot be read offers nothing.
enum Completions {
  static let pendingAsks = ids { data in
    let answered = Set(stems(data.answers, "json"))
    return stems(data.asks, "json").filter { !answered.contains($0) }
  }
  static let goals = ids { stems($0.goals, "md") }
  static let sensors = ids { stems($0.sensors, "sh") }
  static let schedules = ids { stems($0.schedules, "json") }
  static let claims = ids { stems($0.claims, "json") }
  static let sessions = ids { (try? Directory.names($0.sessions)) ?? [] }
  static let workers = ids { data in ((try? Directory.names(data.sessions)) ?? []).filter { $0 != "pulse" } }

  private static func ids(_ list: @escaping @Sendable (DataDir) -> [String]) -> CompletionKind {
    .custom { _, _, prefix in
      guard let context = try? Context.current() else { return [] }
      return list(context.data).filter { $0.hasPrefix(prefix) }
    }
  }

  private static func stems(_ path: FilePath, _ suffix: String) -> [String] {
    (try? Directory.stems(path, extension: suffix)) ?? []
  }
}
