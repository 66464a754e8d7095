import Testing

@testable import Tenant

@Suite struct ShellReaderTests {
  private func read(_ text: String) -> ShellReader {
    var reader = ShellReader(text, variables: ["HOME_DIR": ShellWord("/h")], directory: "/d")
    reader.read()
    return reader
  }

  private func words(_ text: String) -> [[String]] { read(text).commands.map { $0.words.map(\.text) } }

  @Test(
    arguments: [
      ("a b; c && d || e | f & g\nh", [["a", "b"], ["c"], ["d"], ["e"], ["f"], ["g"], ["h"]]),
      (#"a 'b c' "d e" f\ g"#, [["a", "b c", "d e", "f g"]]),
      ("a $(b c) d", [["b", "c"], ["a", "$(…)", "d"]]), ("a `b`", [["b"], ["a", "$(…)"]]),
      ("a <(b) >(c)", [["b"], ["c"], ["a", "$(…)", "$(…)"]]), ("X=1 a", [["a"]]), ("X=1; a $X", [["a", "1"]]),
      ("X='b c'; a $X \"$X\"", [["a", "b", "c", "b c"]]), ("X=1; X=2; a $X", [["a", "$X"]]),
      ("a $HOME_DIR/x ${HOME_DIR}", [["a", "/h/x", "/h"]]), ("if a; then b; else c; fi", [["a"], ["b"], ["c"]]),
      ("while a; do b; done", [["a"], ["b"]]),
      ("for x in 1 2; do a $x; done", [["for", "x", "in", "1", "2"], ["a", "$x"]]),
      ("case $x in p|q) a;; *) b;; esac", [["p"], ["a"], ["b"]]), ("f() { a; }; f", [["a"], ["f"]]),
      ("( a; b ) | c", [["a"], ["b"], ["c"]]), ("a # b\nc", [["a"], ["c"]]), ("x=(1 2); a", [["a"]]),
      ("(( x > 1 )) && a", [["a"]]), ("[[ a < b && c ]] && d", [["[["], ["d"]]), ("a \\\n b", [["a", "b"]]),
      ("a 2>&1 >f <g b", [["a", "b"]]), ("! a", [["a"]]), ("a $((1+2))", [["a", "$((…))"]]), ("", []),
    ] as [(String, [[String]])])
  func `a text falls into its commands`(_ text: String, _ expected: [[String]]) {
    #expect(words(text) == expected)
    #expect(read(text).unreadable == nil)
  }

  @Test(arguments: ["'a", "\"a", "`a", "$(a", "( a", "a )", "${a", "[[ a", "((1"])
  func `what has no end is unreadable`(_ text: String) {
    #expect(read(text).unreadable != nil)
  }

  @Test func `heredocs are input, and what they would run is seen`() {
    let quoted = read("bash <<'E' -s\nrm $(x)\nE\nnext")
    #expect(quoted.commands.map { $0.words.map(\.text) } == [["bash", "-s"], ["next"]])
    #expect(quoted.commands[0].input == "rm $(x)\n")
    #expect(words("cat <<E\n$(danger)\nE").contains(["danger"]))
    #expect(read("a <<-E\n\tx\n\tE").commands[0].input == "x\n")
    #expect(read("a <<< 'x y'").commands[0].input == "x y")
  }

  @Test func `directories are followed as far as they can be known`() {
    func directories(_ text: String) -> [String?] { read(text).commands.map(\.directory) }
    #expect(directories("cd x; a").last == "/d/x")
    #expect(directories("(cd x; b); a") == ["/d/x", "/d/x", "/d"] || directories("(cd x; b); a").last == "/d")
    #expect(directories("cd $X; a").last == .some(nil))
    #expect(directories("cd ../../..; a").last == "/")
  }

  @Test(arguments: [
    ("a*", "abc", true), ("*", "", true), ("a*c", "abbc", true), ("a*c", "abb", false), ("a", "ab", false),
    ("release/*", "release/1", true), ("*a*b*", "xxaxxbxx", true),
  ])
  func `a star stands for any characters`(_ pattern: String, _ text: String, _ matches: Bool) {
    #expect(Glob.matches(pattern, text) == matches)
  }
}
