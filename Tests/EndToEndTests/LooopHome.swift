import SystemPackage
import Tenant
import TestSupport

/// A data dir and the built `looop` that works on it; what was started there is stopped when the last reference goes.
final class LooopHome: Sendable {
  let scratch: ScratchDirectory
  let environment: [String: String]

  init(_ additions: [String: String] = [:]) throws {
    scratch = try ScratchDirectory("l")
    environment = ["LOOOP_DATA_DIR": scratch.path.string, "USER": "tester"].merging(additions) { _, new in new }
  }

  deinit {
    // A test that failed half-way must leave no pulse behind.
    _ = try? RunningProcess.run(BuiltProducts.looop, ["down"], environment: environment, within: 20)
  }

  func looop(
    _ arguments: [String], input: String? = nil, environment additions: [String: String] = [:],
    within seconds: Double = 60
  ) throws -> FinishedProcess {
    try RunningProcess.run(
      BuiltProducts.looop, arguments, environment: environment.merging(additions) { _, new in new }, input: input ?? "",
      within: seconds)
  }

  func start(_ arguments: [String], environment additions: [String: String] = [:]) throws -> RunningProcess {
    try RunningProcess(BuiltProducts.looop, arguments, environment: environment.merging(additions) { _, new in new })
  }
}
