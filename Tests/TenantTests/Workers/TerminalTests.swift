import Tenant
import TestSupport
import Testing

@Suite struct TerminalTests {
  static func screen(_ text: String, rows: Int = 4, columns: Int = 10) -> Terminal {
    var terminal = Terminal(rows: rows, columns: columns)
    terminal.feed(text)
    return terminal
  }

  struct Case: CustomTestStringConvertible, Sendable {
    var name: String
    var input: String
    var rows: [String]
    var cursor: (Int, Int)
    var testDescription: String { name }

    init(_ name: String, _ input: String, _ rows: [String], _ row: Int, _ column: Int) {
      self.name = name
      self.input = input
      self.rows = rows + Array(repeating: "", count: 4 - rows.count)
      cursor = (row, column)
    }
  }

  static let cases: [Case] = [
    Case("plain text", "abc", ["abc"], 0, 3),
    Case("carriage return and line feed", "ab\r\ncd", ["ab", "cd"], 1, 2),
    Case("a line feed keeps the column", "ab\ncd", ["ab", "  cd"], 1, 4),
    Case("backspace overwrites", "abc\u{08}X", ["abX"], 0, 3),
    Case("a tab goes to the next eighth column", "a\tb", ["a       b"], 0, 9),
    Case("the last column does not wrap by itself", "0123456789", ["0123456789"], 0, 9),
    Case("the character after the last column wraps", "0123456789X", ["0123456789", "X"], 1, 1),
    Case("a carriage return cancels the pending wrap", "0123456789\rX", ["X123456789"], 0, 1),
    Case("wrapping can be off", "\u{1B}[?7l0123456789XY", ["012345678Y"], 0, 9),
    Case("scrolling at the bottom", "1\r\n2\r\n3\r\n4\r\n5", ["2", "3", "4", "5"], 3, 1),
    Case("cursor placement", "\u{1B}[3;5HX", ["", "", "    X"], 2, 5),
    Case("placement is clamped", "\u{1B}[99;99HX", ["", "", "", "         X"], 3, 9),
    Case("relative moves", "\u{1B}[2;2H\u{1B}[B\u{1B}[2C\u{1B}[A\u{1B}[DX", ["", "  X"], 1, 3),
    Case("columns and rows alone", "\u{1B}[4GX\u{1B}[2dY", ["   X", "    Y"], 1, 5),
    Case("erase to the end of the line", "abcdef\u{1B}[3G\u{1B}[K", ["ab"], 0, 2),
    Case("erase to the start of the line", "abcdef\u{1B}[3G\u{1B}[1K", ["   def"], 0, 2),
    Case("erase below", "1\r\n2\r\n3\u{1B}[2;1H\u{1B}[J", ["1"], 1, 0),
    Case("erase above", "1\r\n2\r\n3\u{1B}[2;1H\u{1B}[1J", ["", "", "3"], 1, 0),
    Case("erase all keeps the cursor", "abc\u{1B}[2J", [], 0, 3),
    Case("erase characters", "abcdef\u{1B}[2G\u{1B}[2X", ["a  def"], 0, 1),
    Case("insert characters", "abcdef\u{1B}[2G\u{1B}[2@", ["a  bcdef"], 0, 1),
    Case("delete characters", "abcdef\u{1B}[2G\u{1B}[2P", ["adef"], 0, 1),
    Case("insert lines", "1\r\n2\r\n3\u{1B}[2;1H\u{1B}[L", ["1", "", "2", "3"], 1, 0),
    Case("delete lines", "1\r\n2\r\n3\u{1B}[1;1H\u{1B}[M", ["2", "3"], 0, 0),
    Case("insert mode", "abc\u{1B}[1G\u{1B}[4hXY\u{1B}[4l", ["XYabc"], 0, 2),
    Case(
      "a scroll region scrolls alone", "1\r\n2\r\n3\r\n4\u{1B}[2;3r\u{1B}[3;1H\nX", ["1", "3", "X", "4"], 2, 1),
    Case(
      "reverse line feed at the top of a region", "1\r\n2\r\n3\r\n4\u{1B}[2;3r\u{1B}[2;1H\u{1B}MX",
      ["1", "X", "2", "4"], 1, 1),
    Case("origin mode counts from the region", "\u{1B}[2;3r\u{1B}[?6h\u{1B}[1;1HX\u{1B}[9;1HY", ["", "X", "Y"], 2, 1),
    Case("scroll up and down", "1\r\n2\r\n3\u{1B}[S\u{1B}[2T", ["", "", "2", "3"], 2, 1),
    Case("save and restore the cursor", "ab\u{1B}7\u{1B}[3;3HX\u{1B}8Y", ["abY", "", "  X"], 0, 3),
    Case("repeat the last character", "a\u{1B}[3b", ["aaaa"], 0, 4),
    Case("line drawing", "\u{1B}(0lqk\u{1B}(Bl", ["┌─┐l"], 0, 4),
    Case("shifting to the second set", "\u{1B})0\u{0E}q\u{0F}q", ["─q"], 0, 2),
    Case("wide characters take two columns", "日本X", ["日本X"], 0, 5),
    Case("no room for a wide one", "012345678日", ["012345678", "日"], 1, 2),
    Case("half a wide character is none", "日本\u{1B}[2GX", [" X本"], 0, 2),
    Case("the other half neither", "日本\u{1B}[3GX", ["日X"], 0, 3),
    Case("marks join", "e\u{301}x", ["e\u{301}x"], 0, 2),
    Case("a mark after a wide one", "日\u{300}x", ["日\u{300}x"], 0, 3),
    Case("broken UTF-8 is one replacement", "a\u{1B}[2G", ["a"], 0, 1),
    Case("unknown sequences show nothing", "a\u{1B}[>4;1m\u{1B}[?2004h\u{1B}[=5ub\u{1B}[38;5;3mc", ["abc"], 0, 3),
    Case("a title is not shown", "\u{1B}]0;title\u{07}a\u{1B}]8;;http://x\u{1B}\\b", ["ab"], 0, 2),
    Case("a device string is not shown", "\u{1B}P+q544e\u{1B}\\a", ["a"], 0, 1),
    Case("an aborted sequence", "\u{1B}[12\u{18}a", ["a"], 0, 1),
    Case("a control inside a sequence acts", "ab\u{1B}[\r1CX", ["aX"], 0, 2),
    Case("reset", "abc\u{1B}[3;3r\u{1B}[5mX\u{1B}c", [], 0, 0),
    Case("tab stops can be set", "\u{1B}[3g\u{1B}[4G\u{1B}H\r\tX", ["   X"], 0, 4),
    Case("back tab", "\u{1B}[10G\u{1B}[ZX", ["        X"], 0, 9),
  ]

  @Test(arguments: cases) func `what is printed stands where it belongs`(_ given: Case) {
    let terminal = Self.screen(given.input)
    #expect(terminal.plainRows() == given.rows)
    #expect(terminal.cursor.row == given.cursor.0)
    #expect(terminal.cursor.column == given.cursor.1)
  }

  @Test(arguments: cases) func `chunks may be cut anywhere`(_ given: Case) {
    let bytes = Array(given.input.utf8)
    for cut in bytes.indices {
      var terminal = Terminal(rows: 4, columns: 10)
      terminal.feed(Array(bytes[..<cut]))
      terminal.feed(Array(bytes[cut...]))
      #expect(terminal.plainRows() == given.rows, "cut at \(cut)")
    }
  }

  @Test func `broken UTF-8 becomes replacements and nothing is lost`() {
    var terminal = Terminal(rows: 1, columns: 20)
    terminal.feed([0x61, 0xE6, 0x97, 0x62, 0xFF, 0x63, 0xC0, 0xAF, 0xED, 0xA0, 0x80, 0x64])
    #expect(terminal.plainRows()[0].replacing("\u{FFFD}", with: "?") == "a?b?c???d")
  }

  @Test func `the alternate screen leaves the primary one alone`() {
    var terminal = Self.screen("one\r\ntwo")
    terminal.feed("\u{1B}[?1049h\u{1B}[Hfull screen")
    #expect(terminal.isAlternate)
    #expect(terminal.plainRows()[0] == "full scree")
    terminal.feed("\u{1B}[?1049l!")
    #expect(!terminal.isAlternate)
    #expect(terminal.plainRows() == ["one", "two!", "", ""])
  }

  @Test(arguments: [
    ("\u{1B}[31mX", "idx1", nil as String?), ("\u{1B}[97;44mX", "idx15", "idx4"), ("\u{1B}[38;5;208mX", "idx208", nil),
    ("\u{1B}[38;2;255;136;0mX", "#ff8800", nil), ("\u{1B}[38:2::1:2:3mX", "#010203", nil),
    ("\u{1B}[38:5:9;48:2:4:5:6mX", "idx9", "#040506"), ("\u{1B}[31;39mX", nil, nil), ("\u{1B}[31m\u{1B}[mX", nil, nil),
  ]) func `colours`(_ input: String, _ foreground: String?, _ background: String?) {
    let style = Self.screen(input).grid[0, 0].style
    #expect(style.foreground.name == foreground)
    #expect(style.background.name == background)
  }

  @Test func `the JSON screen names what is there`() throws {
    let json = Self.screen("\u{1B}[1;31mA\u{1B}[0m \u{1B}[7m \u{1B}[0m\u{1B}[?25l").screenshotJSON()
    #expect(json["rows"] == 4)
    #expect(json["cols"] == 10)
    #expect(json["format"] == "json")
    #expect(json["alternate_screen"] == false)
    #expect(json["cursor"] == ["row": 0, "col": 3, "hidden": true])
    #expect(
      json["cells"] == [
        ["row": 0, "col": 0, "char": "A", "fg": "idx1", "bold": true],
        ["row": 0, "col": 2, "char": " ", "inverse": true],
      ])
  }

  @Test func `the ANSI screen repaints itself`() {
    let first = Self.screen("a\u{1B}[1;31mred\u{1B}[0m\r\n\u{1B}[44m  \u{1B}[0mx\r\n日")
    let second = Self.screen(first.screenshot(.ansi).replacing("\n", with: "\r\n"))
    #expect(second.ansiRows() == first.ansiRows())
  }

  @Test func `questions are answered`() {
    var terminal = Self.screen("ab\r\nc\u{1B}[6n\u{1B}[5n\u{1B}[c\u{1B}[18t\u{1B}[?2026$p")
    #expect(
      String(decoding: terminal.takeReplies(), as: UTF8.self)
        == "\u{1B}[2;2R\u{1B}[0n\u{1B}[?62;22c\u{1B}[8;4;10t\u{1B}[?2026;0$y")
    #expect(terminal.takeReplies().isEmpty)
  }

  @Test func `lines that leave the top are kept`() {
    var terminal = Terminal(rows: 2, columns: 10, scrollback: 3)
    terminal.feed((1...9).map { "line \($0)" }.joined(separator: "\r\n"))
    let kept = terminal.scrollback.suffix(3).map { row in terminal.ansi(row[...]) }
    #expect(kept == ["line 5", "line 6", "line 7"])
    terminal.feed("\u{1B}[?1049h\r\n\r\n\r\n\r\n")
    #expect(terminal.scrollback.last.map { terminal.ansi($0[...]) } == "line 7")
  }

  // MARK: Streams at random

  /// Pieces that are likely to meet each other badly.
  static let pieces = [
    "a", "hello world ", "0123456789ABCDEF", "\r", "\n", "\r\n", "\t", "\u{08}", "日本", "e\u{301}", "\u{1F600}",
    "\u{1B}[H",
    "\u{1B}[2J", "\u{1B}[K", "\u{1B}[1K", "\u{1B}[3;4H", "\u{1B}[2;5r", "\u{1B}[r", "\u{1B}M", "\u{1B}D", "\u{1B}[2L",
    "\u{1B}[2M", "\u{1B}[3@", "\u{1B}[3P", "\u{1B}[4X", "\u{1B}[31m", "\u{1B}[7m", "\u{1B}[48;5;17m", "\u{1B}[m",
    "\u{1B}[?1049h", "\u{1B}[?1049l", "\u{1B}[?47h", "\u{1B}[?47l", "\u{1B}7", "\u{1B}8", "\u{1B}[?6h", "\u{1B}[?6l",
    "\u{1B}[?7l", "\u{1B}[?7h", "\u{1B}[4h", "\u{1B}[4l", "\u{1B}(0", "\u{1B}(B", "\u{0E}", "\u{0F}", "\u{1B}[?25l",
    "\u{1B}[S",
    "\u{1B}[T", "\u{1B}[99C", "\u{1B}[99B", "\u{1B}H", "\u{1B}[3g", "\u{1B}c", "\u{1B}#8",
    "\u{1B}]0;t\u{07}",
    "\u{1B}[!p", "\u{1B}[20h",
  ]

  static func stream(_ random: inout SeededGenerator, _ count: Int) -> String {
    (0..<count).map { _ in pieces[Int(random.next() % UInt64(pieces.count))] }.joined()
  }

  @Test(arguments: 0..<300) func `a restored terminal goes on like the one it was made of`(_ seed: Int) {
    var random = SeededGenerator(seed: UInt64(seed) + 1)
    var first = Terminal(rows: 6, columns: 12)
    first.feed(Self.stream(&random, 60))
    var second = Terminal(rows: 6, columns: 12)
    second.feed(first.restoreSequence())
    #expect(second.ansiRows() == first.ansiRows())
    #expect(second.screenHash == first.screenHash)
    let rest = Self.stream(&random, 40)
    first.feed(rest)
    second.feed(rest)
    #expect(second.ansiRows() == first.ansiRows())
    #expect(second.cursor.row == first.cursor.row)
    #expect(second.cursor.column == first.cursor.column)
  }

  @Test func `no bytes bring it down`() {
    var random = SeededGenerator(seed: 99)
    var terminal = Terminal(rows: 5, columns: 9, scrollback: 10)
    for _ in 0..<3000 {
      let count = Int(random.next() % 40)
      var bytes = (0..<count).map { _ in UInt8(truncatingIfNeeded: random.next()) }
      if random.next() % 2 == 0 { bytes = [0x1B, 0x5B] + bytes.map { 0x20 + $0 % 0x60 } }
      terminal.feed(bytes)
      terminal.feed(Self.stream(&random, 2))
    }
    #expect(terminal.plainRows().count == 5)
    #expect(terminal.cursor.row < 5 && terminal.cursor.column < 9)
  }

  @Test func `marks without end do not grow it`() {
    var terminal = Terminal(rows: 2, columns: 10)
    for _ in 0..<20_000 { terminal.feed("e\u{301}\u{302}\r") }
    terminal.feed("o\u{308}")
    #expect(terminal.plainRows()[0] == "o\u{308}")
  }
}
