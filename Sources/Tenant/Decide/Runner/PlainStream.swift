/// Plain output of a runner without a stream of its own: its end is kept, where the move stands.
struct PlainStream: Sendable {
  /// A move is at most a prompt and a few lines; what stands before the last part is not looked at.
  static let maximumKept = 1 << 20

  private var kept: [String] = []
  private var size = 0

  mutating func take(_ line: String) {
    kept.append(line)
    size += line.utf8.count + 1
    guard size > 2 * Self.maximumKept else { return }
    var dropped = 0
    while size > Self.maximumKept, dropped < kept.count - 1 {
      size -= kept[dropped].utf8.count + 1
      dropped += 1
    }
    kept.removeFirst(dropped)
  }

  var text: String { kept.joined(separator: "\n").trimmedSpace }
}
