import SystemPackage
package import Tenant

/// The hidden verbs of `looop-fleet _sandbox`: each runs in a helper process, as the tenant's user, and answers one request
/// document with one result document. The supervisor itself never opens a repository.
///
/// *Request.* Always `root`; `worker`, `repo_name`, `repo_path`, `private` where one sandbox is meant; `repos`
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
    case "prune": try prune(request)
    case "sweep": try sweep(request)
    case "tend": try tend(request)
    case "preflight": try preflight(request)
    case "restore": try restore(request)
    case "diff": try diff(request)
    case "land": try land(request)
    case "audit": try audit(request)
    case "measure": measure(request)
    default: throw SandboxError(.invalidRequest, "there is no sandbox verb \(verb)")
    }
  }

  /// `{paths}` → `{bytes}`: what all of them occupy together. One in another counts once.
  private static func measure(_ request: SandboxRequest) -> JSON {
    let paths = (request.document["paths"]?.array ?? []).compactMap { $0.string.map { FilePath($0) } }
    let outermost = paths.filter { path in !paths.contains { $0 != path && path.starts(with: $0) } }
    return ["bytes": .int(Set(outermost).reduce(0) { $0 + DiskUse.of($1).bytes })]
  }

  static func shortBranch(_ name: String) -> String {
    name.hasPrefix("refs/heads/") ? String(name.dropFirst("refs/heads/".count)) : name
  }

  static func list(_ items: [String]) -> JSON { .array(items.map(JSON.string)) }
}
