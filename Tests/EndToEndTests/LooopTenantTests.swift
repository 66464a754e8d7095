import Glibc
import SystemPackage
import Tenant
import TestSupport
import Testing

/// `looop --tenant NAME` against a control socket that answers as a fleet does.
@Suite struct LooopTenantTests {
  let home: LooopHome
  let fleet: RunningProcess
  let socket: String

  init() throws {
    home = try LooopHome()
    socket = home.scratch.appending("fleet.sock").string
    let script = try home.scratch.write(Self.source, to: "fleet.py")
    fleet = try RunningProcess(
      "/usr/bin/env", ["python3", "-u", script.string, socket, home.scratch.path.string, String(getuid())])
    let output = fleet
    try #require(eventually(within: 20) { output.output.contains("ready") }, "\(output.errors)")
  }

  private func looop(_ arguments: [String], input: String? = nil) throws -> FinishedProcess {
    try RunningProcess.run(
      BuiltProducts.looop, arguments, environment: ["LOOOP_FLEET_SOCKET": socket, "LOOOP_CONFIG": "/nonexistent"],
      input: input ?? "")
  }

  @Test func `one's own tenant is worked on directly`() throws {
    #expect(try looop(["--tenant", "mine", "goal", "write", "g", "hello"]).exitCode == 0)
    #expect(home.scratch.read("goals/g.md") == "hello\n")
    #expect(
      try looop(["--tenant", "mine", "_", "state", "--json"]).json?["data_dir"]?.string == home.scratch.path.string)
  }

  @Test func `another's is relayed, with standard input, output and status`() throws {
    let relayed = try looop(["--tenant=other", "_", "answer", "a-1"], input: "the text")
    #expect(relayed.exitCode == 7)
    #expect(relayed.output == #"ran ["answer", "a-1"] with the text"# + "\n")
    #expect(relayed.errors == "and a word\n")
    #expect(try looop(["--tenant=other", "state"]).output == #"ran ["state"] with None"# + "\n")
  }

  @Test func `refusals say why`() throws {
    let unknown = try looop(["--tenant", "nobody", "state"])
    #expect(unknown.exitCode == 1)
    #expect(unknown.errors.contains("no tenant \"nobody\""))
    let denied = try looop(["--tenant", "denied", "state"])
    #expect(denied.exitCode == 1)
    #expect(denied.errors.contains("you may not"))
    #expect(denied.errors.contains("hint: ask ops"))
    let odd = try looop(["--tenant", "a/../b c", "state"])
    #expect(odd.exitCode == 1)
  }

  private static let source = #"""
    import json, os, socketserver, sys
    from http.server import BaseHTTPRequestHandler

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *args): pass
        def address_string(self): return "local"
        def send(self, status, value):
            data = json.dumps(value).encode()
            self.send_response(status)
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            for start in range(0, len(data), 10):
                part = data[start:start + 10]
                self.wfile.write(b"%x\r\n%s\r\n" % (len(part), part))
            self.wfile.write(b"0\r\n\r\n")
        def do_GET(self):
            name = self.path.rsplit("/", 1)[1]
            if name == "mine": return self.send(200, {"name": name, "data_dir": sys.argv[2], "user": "me", "uid": int(sys.argv[3])})
            if name == "other": return self.send(200, {"name": name, "data_dir": "/elsewhere", "user": "x", "uid": int(sys.argv[3]) + 1})
            if name == "denied": return self.send(403, {"error": {"code": "permission_denied", "message": "you may not", "hint": "ask ops"}})
            self.send(404, {"error": {"code": "not_found", "message": "no such tenant"}})
        def do_POST(self):
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            text = "ran %s with %s\n" % (json.dumps(body["arguments"]), body["stdin"])
            self.send(200, {"exit_code": 7, "stdout": text, "stderr": "and a word\n"})

    class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
        daemon_threads = True

    server = Server(sys.argv[1], Handler)
    print("ready", flush=True)
    server.serve_forever()
    """#
}
