import AsyncHTTPClient
import Glibc
import NIOCore
import NIOHTTP1
import NIOPosix
import SystemPackage
package import Tenant

/// A way out of the mailbox: a program, or an address on the web. It answers with nil once the other side has taken the notice.
package struct NoticeChannel: Sendable {
  package let name: String
  package let deliver: @Sendable (Notice) async -> String?

  package init(name: String, deliver: @escaping @Sendable (Notice) async -> String?) {
    self.name = name
    self.deliver = deliver
  }

  /// A notifier that takes longer is hung.
  package static let seconds = 30.0
  private static let longestAnswer = 64 << 10
  private static let timeouts: [HTTPClientError] = [.deadlineExceeded, .readTimeout, .connectTimeout]
  /// Blocking children get threads of their own: the cooperative pool is for those who never block.
  private static let threads: NIOThreadPool = {
    let pool = NIOThreadPool(numberOfThreads: 4)
    pool.start()
    return pool
  }()

  /// Runs a program with the notice as JSON on its standard input; exit 0 is the acknowledgement. It gets the few variables named here
  /// and none of the supervisor's own.
  package static func command(_ arguments: [String], environment: HostEnvironment) -> NoticeChannel {
    NoticeChannel(name: "command") { notice in
      guard let program = arguments.first else { return "no program is configured" }
      var allowed = HostEnvironment([:])
      for name in ["PATH", "HOME", "LANG", "TZ"] { allowed[name] = environment[name] }
      allowed["LOOOP_ASK"] = notice.ask.id
      allowed["LOOOP_TENANT"] = notice.ask.tenant
      allowed["LOOOP_EVENT"] = notice.number == 0 ? "ask" : "reminder"
      var spawn = Spawn(FilePath(program), Array(arguments.dropFirst()), environment: allowed)
      spawn.newSession = true
      let run = {
        var run = BoundedRun(
          spawn, input: Array((notice.json.compact + "\n").utf8), deadline: seconds, keepOutput: 1024, keepErrors: 1024)
        run.reapGroup = true
        return run
      }()
      do {
        return failure(try await threads.runIfActive { run.run() }, program: program)
      } catch {
        return "the fleet is stopping"
      }
    }
  }

  private static func failure(_ outcome: RunOutcome, program: String) -> String? {
    let said = String(decoding: outcome.errors, as: UTF8.self).split(whereSeparator: \.isNewline).last.map { ": \($0)" }
    switch outcome.reason {
    case .code(0): return nil
    case .code(let code): return "\(program) exited with \(code)\(said ?? "")"
    case .signal(let number): return "\(program) was ended by signal \(number)"
    case .timedOut: return "\(program) took longer than \(Int(seconds)) s"
    case .failedToStart(let error): return "\(error)"
    }
  }

  /// One for the program; webhooks are few and far between. A redirect is not followed: it would turn the POST into a GET, and a login
  /// page that answers with 200 would count as taken.
  private static let http = HTTPClient(
    eventLoopGroup: HTTPClient.defaultEventLoopGroup,
    configuration: HTTPClient.Configuration(redirectConfiguration: .disallow))

  /// POSTs the notice as JSON; any 2xx is the acknowledgement, once the whole answer is there. The key is in a header too, for
  /// receivers that keep what they had.
  package static func webhook(_ url: String, patience: Double = seconds) -> NoticeChannel {
    NoticeChannel(name: "webhook") { notice in
      var request = HTTPClientRequest(url: url)
      request.method = .POST
      request.headers.add(name: "Content-Type", value: "application/json")
      request.headers.add(name: "User-Agent", value: "looop-fleet/\(Version.current)")
      request.headers.add(name: "Idempotency-Key", value: PercentEncoding.encode(notice.key))
      request.body = .bytes(ByteBuffer(string: notice.json.compact))
      do {
        let response = try await http.execute(request, timeout: .milliseconds(Int64(patience * 1000)))
        guard (200..<300).contains(response.status.code) else {
          return "the webhook answered with \(response.status.code)"
        }
        // Cut off in the middle it is no answer.
        _ = try await response.body.collect(upTo: longestAnswer)
        return nil
      } catch is NIOTooManyBytesError {
        // It took the notice, and talks too much.
        return nil
      } catch let error as HTTPClientError where timeouts.contains(error) {
        return "the webhook did not answer within \(Int(patience.rounded(.up))) s"
      } catch {
        // The address may hold a secret: the cause is told, the address is not.
        return "the webhook cannot be reached (\(type(of: error)))"
      }
    }
  }
}
