package import Tenant

/// What people should know of a repository before workers get sandboxes of it: `sandbox preflight --json`.
/// Shape: `{tenant,repo,usable,findings:[{name,level:"note"|"refused",means}]}`.
package struct PreflightReport: Hashable, Sendable {
  package struct Finding: Hashable, Sendable {
    package var name: String
    /// It works, but not like a plain repository; else no sandbox is made of it.
    package var isNote: Bool
    /// What it means, and what to do.
    package var means: String

    package var json: JSON {
      ["name": .string(name), "level": isNote ? "note" : "refused", "means": .string(means)]
    }
  }

  package var tenant: String
  package var repo: String
  package var findings: [Finding]

  package var isUsable: Bool { findings.allSatisfy(\.isNote) }

  package init(json: JSON, tenant: String, repo: String) {
    self.tenant = tenant
    self.repo = repo
    findings = (json["findings"]?.array ?? []).compactMap { finding in
      finding["name"]?.string.map {
        Finding(name: $0, isNote: finding["level"]?.string == "note", means: finding["means"]?.string ?? "")
      }
    }
  }

  package var json: JSON {
    [
      "tenant": .string(tenant), "repo": .string(repo), "usable": .bool(isUsable),
      "findings": .array(findings.map(\.json)),
    ]
  }
}
