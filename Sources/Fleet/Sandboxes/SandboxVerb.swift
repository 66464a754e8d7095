import SystemPackage
package import Tenant

/// The hidden verbs of `looop-fleet _sandbox`: each runs in a helper process, as the tenant's user, and answers one request
/// document with one result document. The supervisor itself never opens a repository.
///
/// *Request.* Always `root` (but for `measure`); `worker`, `repo_name`, `repo_path`, `private` where one sandbox is meant; `repos`
/// (`{NAME: PATH}`) where all are. What each verb takes beyond that and what it answers stands at its function; `create` is
/// ``SandboxOpening``. The supervisor makes the documents in ``SandboxOrder``. *Answer.* `{"ok":true,…,"duration_ms":N}`, or
/// `{"ok":false,"code":…,"message":…,"hint":…}`.
package enum SandboxVerb {
  package static func run(_ verb: String, request document: JSON) -> JSON {
    let request = SandboxRequest(document)
    let started = HostClock.system.monotonic()
    do {
      var answer = try dispatch(verb, request)
      answer["ok"] = true
      answer["duration_ms"] = .double(((HostClock.system.monotonic() - started) * 100_000).rounded() / 100)
      return answer
    } catch {
      return SandboxError(error).json
    }
  }

  private static func dispatch(_ verb: String, _ request: SandboxRequest) throws -> JSON {
    switch verb {
    case "create": try SandboxOpening(request: request).run()
    case "remove": try remove(request)
    case "inspect": try inspect(request)
    case "due": try due(request)
    case "sweep": try sweep(request)
    case "tend": try tend(request)
    case "preflight": try preflight(request)
    case "restore": try restore(request)
    case "diff": try diff(request)
    case "land": try land(request)
    case "baseline": try baseline(request)
    case "audit": try audit(request)
    case "measure": measure(request)
    default: throw SandboxError(.invalidRequest, "there is no sandbox verb \(verb)")
    }
  }

  /// `{paths}` → `{bytes, blind?}`: what all of them occupy together, and a place that could not be looked into. One in another counts once.
  private static func measure(_ request: SandboxRequest) -> JSON {
    let paths = (request.document["paths"]?.array ?? []).compactMap { $0.string.map { FilePath($0) } }
    let outermost = Set(paths.filter { path in !paths.contains { $0 != path && path.starts(with: $0) } })
    let uses = outermost.map(DiskUse.of)
    var answer: JSON = ["bytes": .int(uses.reduce(0) { $0 + $1.bytes })]
    answer["blind"] = uses.lazy.compactMap(\.blind).first.map { .string($0.string) }
    return answer
  }

  static func shortBranch(_ name: String) -> String {
    name.hasPrefix("refs/heads/") ? String(name.dropFirst("refs/heads/".count)) : name
  }

  static func list(_ items: [String]) -> JSON { .array(items.map(JSON.string)) }
}
