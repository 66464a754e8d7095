/// Everything that a prompt says, as values: two prompts of equal inputs are the same bytes.
package struct PromptInput: Hashable, Sendable {
  package struct Goal: Hashable, Sendable {
    package var id: String
    package var body: String
    package init(id: String, body: String) {
      self.id = id
      self.body = body
    }
  }

  /// One snapshot: the file's stem and its raw text.
  package struct Reading: Hashable, Sendable {
    package var stem: String
    package var text: String
    package init(stem: String, text: String) {
      self.stem = stem
      self.text = text
    }
  }

  package struct PendingAsk: Hashable, Sendable {
    package var id: String
    package var worker: String
    package var prompt: String
    package var reference: String?
    package var options: [String]
    /// The worker that waits for the answer is alive.
    package var live: Bool
    /// It gates one of our own moves: no worker waits for it.
    package var gatesMove: Bool

    package init(
      id: String, worker: String, prompt: String, reference: String? = nil, options: [String] = [], live: Bool,
      gatesMove: Bool = false
    ) {
      self.id = id
      self.worker = worker
      self.prompt = prompt
      self.reference = reference
      self.options = options
      self.live = live
      self.gatesMove = gatesMove
    }
  }

  package struct ShellOutput: Hashable, Sendable {
    package var command: String
    package var exitCode: Int64
    package var output: String
    package init(command: String, exitCode: Int64, output: String) {
      self.command = command
      self.exitCode = exitCode
      self.output = output
    }
  }

  package struct Failure: Hashable, Sendable {
    package var code: String
    package var fails: Int
    package var ageSeconds: Int64
    package var error: String
    package init(code: String, fails: Int, ageSeconds: Int64, error: String) {
      self.code = code
      self.fails = fails
      self.ageSeconds = ageSeconds
      self.error = error
    }
  }

  package var dataDir: String
  package var playbook: String?
  package var goals: [Goal] = []
  package var readings: [Reading] = []
  package var asks: [PendingAsk] = []
  /// The goal that was acted on longest ago.
  package var stalestGoal: String?
  package var journal: [String] = []
  /// `nil` until there is a baseline; empty when nothing differs.
  package var changes: [String]?
  package var shell: ShellOutput?
  /// Irreversible moves that wait for a yes, one line each.
  package var parked: [String] = []
  /// Irreversible moves that a human refused since the last decision, one line each.
  package var refused: [String] = []
  package var flapping: [String] = []
  package var failure: Failure?
  package var limits: JSON?
  /// `YYYY-MM-DD HH:MM ±HH:MM`
  package var localTime: String
  /// 0 = no bound.
  package var maximumBytes: Int

  package init(dataDir: String, localTime: String, maximumBytes: Int) {
    self.dataDir = dataDir
    self.localTime = localTime
    self.maximumBytes = maximumBytes
  }
}
