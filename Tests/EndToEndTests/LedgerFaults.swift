import SystemPackage
import Tenant
import TestSupport

/// Kills a supervisor at a chosen step of its ledger, from outside: a library that the loader puts before SQLite's own looks at each
/// statement, and ends the process right before or right after the commit of a transaction that holds the statement in question.
final class LedgerFaults: Sendable {
  /// Around the commit of the next transaction with a statement that begins so, and with this text among its statements and values.
  struct Point: Hashable, Sendable, CustomStringConvertible {
    enum Side: String, Sendable { case before, after }
    var side: Side
    var statement: String
    var mention: String

    var description: String { "\(side.rawValue) \(statement) … \(mention)" }
    fileprivate var order: String { "\(side.rawValue)\n\(statement)\n\(mention)\n" }
  }

  private let library: FilePath
  private let order: FilePath

  static let canBuild: Bool = (try? RunningProcess.shell("command -v cc").exitCode) == 0

  private static let source = #"""
    #define _GNU_SOURCE
    #include <dlfcn.h>
    #include <signal.h>
    #include <stdio.h>
    #include <stdlib.h>
    #include <string.h>
    #include <strings.h>
    #include <unistd.h>

    typedef struct sqlite3_stmt sqlite3_stmt;
    static int sawStatement, sawMention;
    static char order[3][256];

    __attribute__((constructor)) static void begin(void) { unsetenv("LD_PRELOAD"); }

    static int isArmed(void) {
      FILE *file = fopen(getenv("LOOOP_TEST_FAULT") ?: "", "re");
      if (!file) return 0;
      int lines = 0;
      while (lines < 3 && fgets(order[lines], sizeof order[0], file)) {
        order[lines][strcspn(order[lines], "\n")] = 0;
        lines++;
      }
      fclose(file);
      return lines == 3;
    }

    int sqlite3_step(sqlite3_stmt *statement) {
      static int (*step)(sqlite3_stmt *);
      static char *(*expanded)(sqlite3_stmt *);
      static void (*release)(void *);
      if (!step) {
        step = dlsym(RTLD_NEXT, "sqlite3_step");
        expanded = dlsym(RTLD_NEXT, "sqlite3_expanded_sql");
        release = dlsym(RTLD_NEXT, "sqlite3_free");
      }
      char *sql = isArmed() ? expanded(statement) : NULL;
      if (!sql) return step(statement);
      const char *text = sql + strspn(sql, " \n");
      int isCommit = strncasecmp(text, "COMMIT", 6) == 0;
      if (strncasecmp(text, "ROLLBACK", 8) == 0 || strncasecmp(text, "BEGIN", 5) == 0) sawStatement = sawMention = 0;
      if (strncmp(text, order[1], strlen(order[1])) == 0) sawStatement = 1;
      if (strstr(text, order[2])) sawMention = 1;
      release(sql);
      if (!isCommit || !sawStatement || !sawMention) return step(statement);
      if (strcmp(order[0], "before") == 0) kill(getpid(), SIGKILL);
      int result = step(statement);
      kill(getpid(), SIGKILL);
      return result;
    }
    """#

  init(_ scratch: ScratchDirectory) throws {
    let file = try scratch.write(Self.source, to: "faults/faults.c")
    library = scratch.appending("faults/faults.so")
    order = scratch.appending("faults/order")
    let built = try RunningProcess.run(
      "/usr/bin/env", ["cc", "-shared", "-fPIC", "-O1", "-o", "\(library)", "\(file)", "-ldl"])
    guard built.exitCode == 0 else { throw TestFailure("cc: \(built.errors)") }
  }

  /// For the supervisor that is to be killed.
  var environment: [String: String] {
    ["LD_PRELOAD": library.string, "LOOOP_TEST_FAULT": order.string]
  }

  func arm(_ point: Point) throws { try AtomicFile.write(point.order, to: order) }
  func disarm() { AtomicFile.remove(order) }
}
