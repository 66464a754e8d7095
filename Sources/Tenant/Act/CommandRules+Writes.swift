/// Files that a command writes over: by its redirections, or because that is what it does.
extension CommandRules {
  /// What in the data dir holds a human's answers, or what the gate itself goes by. The loop has moves and verbs for all that it may
  /// change of it, and those are judged.
  private static let guardedNames: Set<String> = [
    "answers", "asks", "parked", "sensors", "config.json", "rules.json", ".fleet.json",
  ]
  /// A sensor is taken out by removing its file.
  private static let removableNames: Set<String> = ["sensors"]

  /// The reason where a word means one of those places; a value in its name changes nothing.
  func guarded(_ word: ShellWord, _ around: Surroundings, isRemoval: Bool = false) -> String? {
    guard !around.isRemote, let path = LexicalPath.joined(around.directory, word.text),
      LexicalPath.isStrictlyInside(path, dataDirectory)
    else { return nil }
    let name = String(path.dropFirst(dataDirectory.count + 1).prefix { $0 != "/" })
    guard Self.guardedNames.contains(name), !(isRemoval && Self.removableNames.contains(name)) else { return nil }
    return "\(isRemoval ? "removes" : "writes") \(word.text), past the gate"
  }

  private static let streams: Set<String> = ["/dev/null", "/dev/stdout", "/dev/stderr", "/dev/tty"]

  /// Whether a file may be written over: ours, temporary on the other machine, or no file at all.
  func mayOverwrite(_ word: ShellWord, _ around: Surroundings) -> Bool {
    if Self.streams.contains(word.text) || word.text.hasPrefix("/dev/fd/") { return true }
    // In a sensor, `> "$tmp"` is how every careful script begins.
    if around.leniency == .sensor, word.isDynamic { return true }
    guard around.isRemote else { return isOurs(word, around) }
    guard !word.isDynamic, word.text.hasPrefix("/") else { return false }
    let path = LexicalPath.normalized(word.text)
    return Self.temporary.contains { LexicalPath.isStrictlyInside(path, $0) }
  }

  /// What `cp`, `mv`, `tee` and their like write over or take away.
  func overwriting(_ call: ProgramCall, _ around: Surroundings) -> String? {
    if call.isRehearsal { return nil }
    var targets: [ShellWord] = []
    var takenAway: ArraySlice<ShellWord> = []
    var spares = false
    switch call.program {
    case "tee":
      targets = call.positionals
      spares = call.has("-a") || call.options.contains("--append")
    case "touch":
      targets = call.positionals
      spares = true
    case "cp", "mv", "ln", "install":
      let directory = call.value(of: "-t", "--target-directory")
      targets = [directory ?? (call.positionals.count > 1 ? call.positionals.last : nil)].compactMap { $0 }
      if call.program == "mv" { takenAway = directory == nil ? call.positionals.dropLast() : call.positionals[...] }
      spares =
        switch call.program {
        case "ln": !call.has("-f") && !call.options.contains("--force")
        case "install": call.has("-d") || call.options.contains("--directory")
        default: call.has("-n") || call.options.contains("--no-clobber")
        }
    default: return nil
    }
    for target in targets {
      if let reason = guarded(target, around) { return reason }
      if !spares, !mayOverwrite(target, around) {
        return "overwrites \(target.text), a file outside the data dir"
      }
    }
    for source in takenAway {
      if let reason = guarded(source, around, isRemoval: true) { return reason }
      if around.leniency == .sensor, source.isDynamic { continue }
      if !mayDelete(source, around) { return "takes \(source.text) away, outside the data dir" }
    }
    return nil
  }
}
