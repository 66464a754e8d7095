import CLinux
import Glibc
import SystemPackage
import Tenant

/// Settings that make git run a program, read another file or take another place for the repository.
enum DangerousSettings {
  private static let exact: Set<String> = [
    "core.bare", "core.hookspath", "core.fsmonitor", "core.sshcommand", "core.editor", "core.pager", "core.askpass",
    "core.worktree", "core.attributesfile", "core.excludesfile", "core.alternaterefscommand", "core.gitproxy",
    "sequence.editor", "credential.helper", "gpg.program", "gpg.ssh.program", "gpg.x509.program",
    "uploadpack.packobjectshook",
    "diff.external", "interactive.difffilter", "receive.procreceiverefs", "init.templatedir",
    "core.repositoryformatversion",
    "protocol.allow", "protocol.ext.allow", "sendemail.smtpserver", "gui.editor", "man.viewer", "help.browser",
    "web.browser",
  ]
  private static let prefixes = ["alias.", "include.", "includeif.", "extensions.", "url.", "pager.", "submodule."]
  private static let patterns: [(String, [String])] = [
    ("filter.", [".clean", ".smudge", ".process", ".required"]), ("diff.", [".command", ".textconv"]),
    ("merge.", [".driver"]), ("mergetool.", [".cmd", ".path"]), ("difftool.", [".cmd", ".path"]),
    ("remote.", [".uploadpack", ".receivepack", ".proxy", ".vcs"]), ("credential.", [".helper"]),
    ("browser.", [".cmd", ".path"]), ("man.", [".cmd", ".path"]), ("trailer.", [".command", ".cmd"]),
  ]

  static func contains(_ key: String) -> Bool {
    let key = key.lowercased()
    if exact.contains(key) { return !["core.bare", "core.repositoryformatversion"].contains(key) }
    return prefixes.contains { key.hasPrefix($0) && !key.hasPrefix("extensions.") }
      || patterns.contains { prefix, suffixes in key.hasPrefix(prefix) && suffixes.contains { key.hasSuffix($0) } }
  }

  /// Settings whose change by a worker is put back.
  static func guards(_ key: String) -> Bool {
    let key = key.lowercased()
    return contains(key) || exact.contains(key) || shaping.contains(key) || key.hasPrefix("extensions.")
  }

  /// What decides how everybody's files look.
  private static let shaping: Set<String> = [
    "core.autocrlf", "core.eol", "core.safecrlf", "core.symlinks", "core.filemode", "core.ignorecase",
    "core.sparsecheckout", "core.sparsecheckoutcone", "core.sharedrepository",
  ]
}
