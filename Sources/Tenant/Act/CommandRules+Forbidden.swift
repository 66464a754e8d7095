extension CommandRules {
  /// The deny-list: what nobody's yes makes right. Case does not matter.
  func forbidden(_ call: ProgramCall, _ around: Surroundings) -> CommandVerdict? {
    switch call.program {
    case "sudo": return .forbidden("sudo: the loop has its user's rights and no more")
    case "rm":
      let arguments = call.arguments.map { $0.text.lowercased() }
      let bundles = arguments.filter { $0.hasPrefix("-") && !$0.hasPrefix("--") }
      let isRecursive = bundles.contains { $0.contains("r") } || arguments.contains("--recursive")
      let isForced =
        bundles.contains { $0.contains("f") } || arguments.contains("--force")
        || arguments.contains("--no-preserve-root")
      if isRecursive, isForced, call.positionals.contains(where: Self.isEverything) {
        return .forbidden("deletes everything there is")
      }
      return nil
    case "git": return forbiddenPush(call)
    case "shutdown", "reboot", "halt", "poweroff": return .forbidden("\(call.program): stops the machine")
    case _ where call.program == "mkfs" || call.program.hasPrefix("mkfs."):
      return .forbidden("mkfs: makes a new file system over the old one")
    default:
      for word in call.arguments where word.text.lowercased().hasPrefix("of=/dev/") {
        let device = word.text.dropFirst("of=/dev/".count).lowercased()
        if !["null", "zero", "stdout", "stderr"].contains(device) { return .forbidden("writes onto a device") }
      }
      return nil
    }
  }

  private static func isEverything(_ word: ShellWord) -> Bool {
    var text = word.text.replacingBraces
    while text.count > 1, text.hasSuffix("/") { text.removeLast() }
    if text.allSatisfy({ $0 == "/" }) { return true }
    return ["/*", "/.", "/..", "~", "~/*", "~/.", "$home", "$home/*", "$home/."].contains(text.lowercased())
  }

  private func forbiddenPush(_ call: ProgramCall) -> CommandVerdict? {
    guard call.positionals.first?.text.lowercased() == "push" else { return nil }
    let refs = call.positionals.dropFirst().map { $0.text.lowercased() }
    let isForced = call.options.contains("--force") || call.has("-f")
    for ref in refs {
      let isPlus = ref.hasPrefix("+")
      guard isPlus || isForced else { continue }
      let target = (isPlus ? String(ref.dropFirst()) : ref).split(separator: ":").last.map(String.init) ?? ""
      let branch = Self.branchName(target)
      if branch == "main" || branch == "master" { return .forbidden("overwrites \(branch) for everybody") }
    }
    return nil
  }

  /// Where output goes: devices are forbidden, overwriting a file elsewhere cannot be taken back.
  func redirections(of command: ShellCommand, _ around: Surroundings) -> CommandVerdict {
    var verdict = CommandVerdict.reversible
    for redirection in command.redirections where redirection.kind.contains(">") {
      let target = redirection.target.text
      if target.allSatisfy({ $0.isNumber || $0 == "-" }), redirection.kind.hasSuffix("&") { continue }
      let lower = target.lowercased()
      if ["/dev/sd", "/dev/nvme", "/dev/disk", "/dev/rdisk", "/dev/vd", "/dev/hd", "/dev/mmcblk"]
        .contains(where: lower.hasPrefix)
      {
        return .forbidden("writes onto a device")
      }
      if let reason = guarded(redirection.target, around) { verdict = verdict.worse(.irreversible(reason)) }
      guard redirection.kind != ">>", redirection.kind != "&>>" else { continue }
      if !mayOverwrite(redirection.target, around) {
        verdict = verdict.worse(.irreversible("overwrites \(target), a file outside the data dir"))
      }
    }
    return verdict
  }
}

extension String {
  /// `${HOME}` is `$HOME`.
  fileprivate var replacingBraces: String {
    guard hasPrefix("${"), let close = firstIndex(of: "}") else { return self }
    return "$" + self[index(startIndex, offsetBy: 2)..<close] + self[index(after: close)...]
  }
}
