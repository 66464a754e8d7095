import SystemPackage
import Tenant
import TestSupport

/// A loopback server that answers in the shapes of the real APIs: `/ok/…`, `/endless/…` (each page of a list names a next one), `/limited/…` (rate
/// limits), `/broken/…` (errors), and the other ways to fail (`failures`).
/// It writes one line a request into `requests`, with what stood in the credentials' fields.
struct LooopSensorServer {
  let scratch: ScratchDirectory
  let process: RunningProcess
  let port: Int

  init() throws {
    scratch = try ScratchDirectory("api")
    let script = try scratch.write(Self.source, to: "server.py")
    process = try RunningProcess(
      "/usr/bin/env", ["python3", "-u", script.string, scratch.appending("requests").string])
    let output = process
    guard eventually(within: 20, { output.output.contains("\n") }),
      let line = output.output.split(separator: "\n").first,
      let port = Int(line)
    else { throw HostError("start the API server: \(process.errors)", script, errno: 0) }
    self.port = port
  }

  func address(_ mode: String) -> String { "http://127.0.0.1:\(port)/\(mode)" }

  var requests: [String] { (scratch.read("requests") ?? "").split(separator: "\n").map(String.init) }

  private static let source = #"""
    import json, sys, time
    from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
    from urllib.parse import urlparse, parse_qs

    def pull(n):
        return {"number": n, "title": f"Change {n}", "draft": n % 2 == 0, "html_url": f"https://github.test/pull/{n}",
                "head": {"sha": f"{n:040x}", "ref": f"b{n}"}, "user": {"login": "ann"}, "labels": []}

    RUNS = [
        {"id": 1, "workflow_id": 7, "name": "build", "run_number": 4, "status": "completed", "conclusion": "success",
         "head_sha": "a" * 40, "display_title": "older", "html_url": "https://github.test/1"},
        {"id": 2, "workflow_id": 7, "name": "build", "run_number": 5, "status": "completed", "conclusion": "failure",
         "head_sha": "b" * 40, "display_title": "newer", "html_url": "https://github.test/2"},
        {"id": 3, "workflow_id": 7, "name": "build", "run_number": 6, "status": "in_progress", "conclusion": None,
         "head_sha": "c" * 40, "display_title": "now", "html_url": "https://github.test/3"},
        {"id": 4, "workflow_id": 8, "name": "lint", "run_number": 9, "status": "completed", "conclusion": "success",
         "head_sha": "b" * 40, "display_title": "newer", "html_url": "https://github.test/4"},
    ]

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        def log_message(self, *args): pass

        def send(self, status, body, headers={}):
            data = body if isinstance(body, bytes) else json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json; charset=utf-8")
            self.send_header("Content-Length", str(len(data)))
            for name, value in headers.items(): self.send_header(name, value)
            self.end_headers()
            self.wfile.write(data)

        failures = {"denied": (401, {"message": "Bad credentials"}), "forbidden": (403, {"message": "No access"}),
                    "down": (503, b"<html>try later</html>"), "garbage": (200, b"<html>log in</html>"),
                    "cut": (200, b'[{"number": 1, "ti'), "slow": (200, [])}
        def fail(self, mode):
            if mode == "slow": time.sleep(8)
            self.send(*self.failures[mode])

        def record(self):
            secret = self.headers.get("Authorization") or self.headers.get("PRIVATE-TOKEN") or "-"
            with open(sys.argv[1], "a") as log: log.write(f"{self.command} {self.path} {secret}\n")

        def do_POST(self):
            self.record()
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            mode = self.path.split("/")[1]
            if mode == "limited":
                reset = str(int((time.time() + 600) * 1000))
                return self.send(400, {"errors": [{"message": "Rate limit exceeded", "extensions": {"code": "RATELIMITED"}}]},
                                 {"X-RateLimit-Requests-Remaining": "0", "X-RateLimit-Requests-Reset": reset})
            if mode in self.failures: return self.fail(mode)
            if mode == "broken":
                return self.send(200, {"errors": [{"message": "Entity not found: team", "path": ["issues"]}], "data": None})
            first = body["variables"]["after"] is None or mode == "endless"
            def issue(n, state): return {"identifier": f"ENG-{n}", "title": f"Issue {n}", "priority": 1 if n == 1 else 3,
                                         "state": {"name": state, "type": "started"}, "assignee": None}
            nodes = [issue(2, "In Progress"), issue(1, "Todo")] if first else [issue(3, "Todo")]
            self.send(200, {"data": {"issues": {"nodes": nodes, "pageInfo": {
                "hasNextPage": first, "endCursor": "c1" if first else None}}}})

        def do_GET(self):
            self.record()
            url = urlparse(self.path)
            query = parse_qs(url.query)
            mode, path = url.path.split("/")[1], "/" + "/".join(url.path.split("/")[2:])
            base = f"http://127.0.0.1:{self.server.server_port}/{mode}"
            if mode == "broken": return self.send(500, {"message": "boom"})
            if mode in self.failures: return self.fail(mode)
            if mode == "limited":
                if path.startswith("/api/v4"):
                    return self.send(429, {"message": "429 Too Many Requests"}, {"RateLimit-Reset": str(int(time.time()) + 600)})
                if path.startswith("/api/"): return self.send(429, {}, {"Retry-After": "600"})
                return self.send(403, {"message": "API rate limit exceeded"},
                                 {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(int(time.time()) + 600)})
            page = int(query.get("page", ["1"])[0])
            def next_page(last):
                if mode != "endless" and page >= last: return {"Link": f'<{base}{path}?page=1>; rel="prev"', "X-Next-Page": ""}
                return {"Link": f'<{base}{path}?page={page + 1}>; rel="next", <{base}{path}?page={last}>; rel="last"',
                        "X-Next-Page": str(page + 1)}
            if path == "/repos/acme/web/pulls":
                return self.send(200, [pull(n) for n in (range(1, 4) if page == 1 else range(4, 6))], next_page(2))
            if path == "/repos/acme/web/issues":
                return self.send(200, [{"number": 9, "title": "A bug"}, dict(pull(1), pull_request={"url": "x"})])
            if path == "/repos/acme/web/commits/main/check-runs":
                failing = page == 2 and mode != "endless"
                return self.send(200, {"total_count": 2, "check_runs": [
                    {"name": "test" if failing else "lint", "status": "completed",
                     "conclusion": "failure" if failing else "success"}]}, next_page(2))
            if path == "/repos/acme/web/actions/runs":
                runs = [run for run in RUNS if (run["workflow_id"] == 7) == (page == 1)]
                return self.send(200, {"total_count": 5, "workflow_runs": runs}, next_page(2))
            project = "/api/v4/projects/acme%2Fweb"
            if path == project + "/merge_requests":
                return self.send(200, [{"iid": page, "title": f"MR {page}", "draft": False, "sha": "d" * 40,
                                        "has_conflicts": page == 2}], next_page(2))
            if path == project + "/issues": return self.send(200, [{"iid": 5, "title": "Slow"}], {"X-Next-Page": ""})
            if path == project + "/pipelines":
                return self.send(200, [{"id": 77, "status": "failed", "sha": "e" * 40, "web_url": "https://gitlab.test/77"}])
            if path == project + "/pipelines/77/jobs":
                return self.send(200, [
                    {"name": "unit", "stage": "test", "status": "failed", "allow_failure": False,
                     "failure_reason": "script_failure", "web_url": "https://gitlab.test/j1"},
                    {"name": "flaky", "stage": "test", "status": "failed", "allow_failure": True,
                     "failure_reason": "script_failure", "web_url": "https://gitlab.test/j2"}])
            if path == "/api/alertmanager/grafana/api/v2/alerts":
                return self.send(200, [
                    {"labels": {"alertname": "HighLoad", "instance": "a:9100", "__alert_rule_uid__": "u1"},
                     "annotations": {"summary": "load is high"}, "startsAt": "2026-06-30T10:00:00.000Z",
                     "endsAt": "2026-06-30T10:04:00.000Z", "fingerprint": "0123456789abcdef",
                     "status": {"state": "active", "inhibitedBy": [], "silencedBy": []}},
                    {"labels": {"alertname": "Quiet"}, "annotations": {}, "startsAt": "x", "fingerprint": "ff",
                     "status": {"state": "suppressed", "inhibitedBy": [], "silencedBy": ["s"]}}])
            if path == "/api/v1/alerts":
                return self.send(200, {"status": "success", "data": {"alerts": [
                    {"labels": {"alertname": "Down", "instance": "b:80", "severity": "page"}, "annotations": {},
                     "state": "firing", "activeAt": "2026-06-30T10:00:00Z", "value": "1e+00"},
                    {"labels": {"alertname": "Soon"}, "annotations": {}, "state": "pending", "activeAt": "x", "value": "1"}]}})
            if path == "/api/v1/query":
                if query["query"][0] == "bad(": return self.send(400, {"status": "error", "errorType": "bad_data", "error": "parse error"})
                return self.send(200, {"status": "success", "data": {"resultType": "vector", "result": [
                    {"metric": {"__name__": "up", "job": "web"}, "value": [1751277600.1, "0"]}]}})
            if path == "/page": return self.send(200, b"hello, all is well")
            self.send(404, {"message": "Not Found"})

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    print(server.server_port, flush=True)
    server.serve_forever()
    """#
}
