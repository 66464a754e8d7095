import Glibc
import SystemPackage

/// The files that a running decision writes: rendered lines to `output.log` and `tick.log`, raw events to `events.ndjson`. A file
/// that cannot be written costs its contents and one warning, never the decision.
final class RunLogs {
  /// A runner that prints without end must not fill the disk; events that carry money are kept beyond the bound.
  static let maximumOutput = 8 << 20
  static let maximumEvents = 32 << 20
  static let maximumMetered = 64 << 20

  private(set) var warnings: [String] = []
  private var output: Sink
  private var tick: Sink
  private var events: Sink

  init(_ run: RunDirectory, tickLog: FilePath) {
    var warnings: [String] = []
    output = Sink(run.output, limit: Self.maximumOutput, &warnings)
    tick = Sink(tickLog, limit: Self.maximumOutput, &warnings)
    events = Sink(run.events, limit: Self.maximumEvents, &warnings)
    self.warnings = warnings
  }

  func write(_ step: RunnerStream.Step, clock: String) {
    if !step.rendered.isEmpty {
      let text = Array(step.rendered.map { "[\(clock)] \($0)\n" }.joined().utf8)
      output.write(text, limit: Self.maximumOutput, &warnings)
      tick.write(text, limit: Self.maximumOutput, &warnings)
    }
    let limit = step.metered ? Self.maximumMetered : Self.maximumEvents
    for event in step.events { events.write(event + [0x0A], limit: limit, &warnings) }
  }

  private struct Sink {
    private let path: FilePath
    private var file: CInt
    private var size = 0
    private var full = false

    init(_ path: FilePath, limit: Int, _ warnings: inout [String]) {
      self.path = path
      do throws(HostError) {
        file = try OwnedDescriptor(
          opening: path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_NOFOLLOW, operation: "write"
        ).release()
      } catch {
        file = -1
        warnings.append(error.description)
      }
    }

    mutating func write(_ bytes: [UInt8], limit: Int, _ warnings: inout [String]) {
      guard file >= 0 else { return }
      guard size + bytes.count <= limit else {
        if !full { warnings.append("\(path) is full: the rest of the run is not in it") }
        full = true
        return
      }
      var offset = 0
      while offset < bytes.count {
        let count = unsafe bytes.withUnsafeBytes {
          unsafe Glibc.write(file, $0.baseAddress! + offset, bytes.count - offset)
        }
        if count < 0, errno == EINTR { continue }
        guard count > 0 else {
          warnings.append(HostError.last("write", path).description)
          close()
          return
        }
        offset += count
      }
      size += bytes.count
    }

    mutating func close() {
      if file >= 0 { _ = Glibc.close(file) }
      file = -1
    }
  }

  func close() {
    output.close()
    tick.close()
    events.close()
  }

  deinit { close() }
}
