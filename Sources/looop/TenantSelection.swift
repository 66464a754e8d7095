import Glibc
import SystemPackage
import Tenant

/// `--tenant NAME`: where the verb works. As the tenant's own user it works on the data dir itself, as if `LOOOP_DATA_DIR`
/// named it; for anybody else the supervisor runs it as the tenant and its output is relayed.
enum TenantSelection {
  enum Outcome {
    case local(dataDir: String)
    case relayed(status: Int32)
  }

  static func select(
    _ tenant: String, arguments: [String], environment: HostEnvironment, printer: Printer
  ) throws(Failure) -> Outcome {
    let path = "/v1/tenants/\(PercentEncoding.encode(tenant))"
    let places = FleetSocket.places(environment, isRoot: getuid() == 0)
    var answered = false
    for place in places {
      let fleet = FleetSocket(place)
      guard let reply = try fleet.request("GET", path) else { continue }
      answered = true
      // Another fleet of this machine may have it.
      if reply.status == 404 { continue }
      guard reply.status == 200, let json = reply.json, let dataDir = json["data_dir"]?.string else {
        throw refusal(reply, "the fleet does not say where tenant \(tenant) is")
      }
      if json["uid"]?.int == Int64(getuid()) { return .local(dataDir: dataDir) }
      // The supervisor's own child no longer knows who asked.
      if arguments.first == "answer",
        let refusal = arguments.lazy.compactMap({ GateAnswer.refusal($0, in: environment) }).first
      {
        throw Failure(refusal.cause, hint: refusal.hint)
      }
      return .relayed(
        status: try relay(through: fleet, path: path + "/verb", arguments: arguments, printer: printer))
    }
    throw answered
      ? Failure("no tenant \"\(tenant)\" in this fleet", hint: "looop-fleet tenant list names them")
      : Failure(
        "no fleet is running (\(places.map(\.string).joined(separator: ", ")))",
        hint: "start it with `looop-fleet up`, or name its socket in LOOOP_FLEET_SOCKET")
  }

  private static func relay(
    through fleet: FleetSocket, path: String, arguments: [String], printer: Printer
  ) throws(Failure) -> Int32 {
    let input: JSON = readsInput(arguments) ? .string(try BodyText.standardInput()) : .null
    let body: JSON = ["arguments": .array(arguments.map(JSON.string)), "stdin": input]
    guard let reply = try fleet.request("POST", path, body: body) else {
      throw Failure("the fleet went away", hint: "looop-fleet status says whether it runs")
    }
    guard reply.status == 200, let json = reply.json, let status = json["exit_code"]?.int else {
      throw refusal(reply, "the fleet refused to run this verb")
    }
    printer.write(json["stdout"]?.string ?? "")
    if let errors = json["stderr"]?.string, !errors.isEmpty {
      printer.error(errors.hasSuffix("\n") ? String(errors.dropLast()) : errors)
    }
    return Int32(clamping: status)
  }

  /// Whether this verb will read standard input: reading it for all would hang scripts whose input stays open.
  static func readsInput(_ arguments: [String]) -> Bool {
    if arguments.contains("--help") || arguments.contains("-h") { return false }
    if arguments.last == "-" { return true }
    var words: [String] = []
    var isValue = false
    for token in arguments {
      if !isValue, !token.hasPrefix("-") { words.append(token) }
      isValue = !isValue && valued.contains(token)
    }
    return switch (words.first, words.dropFirst().first) {
    case ("answer", _): words.count == 2
    case ("goal", "write"), ("goal", "w"), ("sensor", "write"), ("sensor", "w"), ("worker", "start"), ("w", "start"):
      words.count == 3
    case ("playbook", "write"), ("playbook", "w"): words.count == 2
    default: false
    }
  }

  /// The options of those verbs that take a value.
  private static let valued: Set<String> = [
    "--journal", "--command", "--verify", "--repo", "--base", "--goal",
  ]

  private static func refusal(_ reply: SocketRequest.Reply, _ cause: String) -> Failure {
    let error = reply.json?["error"]
    return Failure(
      error?["message"]?.string.map { "\(cause): \($0)" } ?? "\(cause) (HTTP \(reply.status))",
      hint: error?["hint"]?.string)
  }
}
