internal import GRDB

/// The tables of the ledger. A released migration is never edited; what changes is a further one.
///
/// Money is in micro-dollars, times are Unix seconds, days are days since 1970-01-01 in the zone of their scope.
enum LedgerSchema {
  /// "loop": tells a ledger from any other database that lies at its path.
  static let applicationID: Int64 = 0x6C6F_6F70

  static var migrator: DatabaseMigrator {
    var migrator = DatabaseMigrator()
    migrator.registerMigration("1 money") { try $0.execute(sql: money) }
    migrator.registerMigration("1 state") { try $0.execute(sql: state) }
    migrator.registerMigration("2 drain") { try $0.execute(sql: drain) }
    migrator.registerMigration("3 stopped runs") { try $0.execute(sql: stoppedRuns) }
    return migrator
  }

  /// `reservations.left_*` is what an open reservation still holds: its worst case less what was already charged to it.
  /// `totals` holds what `charges` sums up to, so that an admission reads two rows whatever the day's length; the tests hold them equal.
  private static let money = """
    CREATE TABLE reservations (
      id INTEGER PRIMARY KEY AUTOINCREMENT,
      tenant TEXT NOT NULL, kind TEXT NOT NULL CHECK (kind IN ('tick', 'worker')), run_id TEXT NOT NULL,
      runner TEXT NOT NULL, model TEXT, goal TEXT, worker TEXT,
      day INTEGER NOT NULL, fleet_day INTEGER NOT NULL, opened_at INTEGER NOT NULL,
      usd INTEGER NOT NULL CHECK (usd >= 0), tokens INTEGER NOT NULL CHECK (tokens >= 0),
      decides INTEGER NOT NULL CHECK (decides >= 0),
      left_usd INTEGER NOT NULL CHECK (left_usd BETWEEN 0 AND usd),
      left_tokens INTEGER NOT NULL CHECK (left_tokens BETWEEN 0 AND tokens),
      left_decides INTEGER NOT NULL CHECK (left_decides BETWEEN 0 AND decides),
      charged_usd INTEGER NOT NULL DEFAULT 0, charged_tokens INTEGER NOT NULL DEFAULT 0,
      state TEXT NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'settled', 'released', 'bound')),
      closed_at INTEGER,
      UNIQUE (tenant, kind, run_id));
    CREATE INDEX reservations_open ON reservations (tenant) WHERE state = 'open';
    CREATE INDEX reservations_past ON reservations (tenant, kind, runner, id) WHERE state = 'settled';

    CREATE TABLE charges (
      tenant TEXT NOT NULL, event_id TEXT NOT NULL,
      reservation INTEGER REFERENCES reservations (id),
      kind TEXT NOT NULL, run_id TEXT NOT NULL, runner TEXT NOT NULL, model TEXT, goal TEXT, worker TEXT, session TEXT,
      day INTEGER NOT NULL, fleet_day INTEGER NOT NULL, at INTEGER NOT NULL,
      source TEXT NOT NULL CHECK (source IN ('reported', 'priced', 'bound')), unpriced INTEGER NOT NULL DEFAULT 0,
      usd INTEGER NOT NULL CHECK (usd >= 0), input INTEGER NOT NULL CHECK (input >= 0),
      cache_read INTEGER NOT NULL CHECK (cache_read >= 0), cache_write INTEGER NOT NULL CHECK (cache_write >= 0),
      cache_write_long INTEGER NOT NULL CHECK (cache_write_long >= 0), output INTEGER NOT NULL CHECK (output >= 0),
      decides INTEGER NOT NULL CHECK (decides >= 0),
      superseded INTEGER NOT NULL DEFAULT 0,
      PRIMARY KEY (tenant, event_id)) WITHOUT ROWID;
    CREATE INDEX charges_day ON charges (day, tenant);
    CREATE INDEX charges_recent ON charges (tenant, at);
    CREATE INDEX charges_session ON charges (tenant, session) WHERE session IS NOT NULL;

    CREATE TABLE totals (
      scope TEXT NOT NULL, day INTEGER NOT NULL,
      usd INTEGER NOT NULL DEFAULT 0, tokens INTEGER NOT NULL DEFAULT 0, decides INTEGER NOT NULL DEFAULT 0,
      PRIMARY KEY (scope, day)) WITHOUT ROWID;
    CREATE INDEX totals_day ON totals (day);

    CREATE TABLE clocks (
      scope TEXT PRIMARY KEY, day INTEGER NOT NULL, age INTEGER NOT NULL, since_boot INTEGER NOT NULL,
      boot_id TEXT NOT NULL) WITHOUT ROWID;

    CREATE TABLE raises (
      id INTEGER PRIMARY KEY AUTOINCREMENT, request TEXT UNIQUE,
      scope TEXT NOT NULL, day INTEGER NOT NULL,
      usd INTEGER NOT NULL CHECK (usd >= 0), tokens INTEGER NOT NULL CHECK (tokens >= 0),
      decides INTEGER NOT NULL CHECK (decides >= 0),
      at INTEGER NOT NULL, actor TEXT NOT NULL, via TEXT NOT NULL);
    CREATE INDEX raises_day ON raises (scope, day);
    """

  private static let state = """
    CREATE TABLE orders (
      scope TEXT NOT NULL, kind TEXT NOT NULL CHECK (kind IN ('pause', 'freeze')),
      at INTEGER NOT NULL, actor TEXT NOT NULL, via TEXT NOT NULL, reason TEXT,
      PRIMARY KEY (scope, kind)) WITHOUT ROWID;

    CREATE TABLE parked (
      tenant TEXT NOT NULL, runner TEXT NOT NULL, until INTEGER NOT NULL, reason TEXT NOT NULL,
      PRIMARY KEY (tenant, runner)) WITHOUT ROWID;

    CREATE TABLE announced (
      scope TEXT NOT NULL, day INTEGER NOT NULL, axis TEXT NOT NULL, percent INTEGER NOT NULL, cap INTEGER NOT NULL,
      PRIMARY KEY (scope, day, axis, percent, cap)) WITHOUT ROWID;

    CREATE TABLE budget_asks (
      scope TEXT NOT NULL, id TEXT NOT NULL, day INTEGER NOT NULL, axis TEXT NOT NULL, prompt TEXT NOT NULL,
      at INTEGER NOT NULL, answer TEXT, answered_at INTEGER, actor TEXT, via TEXT,
      PRIMARY KEY (scope, id)) WITHOUT ROWID;
    CREATE INDEX budget_asks_pending ON budget_asks (scope) WHERE answered_at IS NULL;

    CREATE TABLE notes (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;

    CREATE TABLE audit (
      id INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, actor TEXT NOT NULL, via TEXT NOT NULL,
      action TEXT NOT NULL, scope TEXT NOT NULL, detail TEXT NOT NULL);
    CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
    CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
    """

  /// A third standing order. A check cannot be changed in place.
  private static let drain = """
    CREATE TABLE new_orders (
      scope TEXT NOT NULL, kind TEXT NOT NULL CHECK (kind IN ('pause', 'freeze', 'drain')),
      at INTEGER NOT NULL, actor TEXT NOT NULL, via TEXT NOT NULL, reason TEXT,
      PRIMARY KEY (scope, kind)) WITHOUT ROWID;
    INSERT INTO new_orders SELECT * FROM orders;
    DROP TABLE orders;
    ALTER TABLE new_orders RENAME TO orders;
    """

  /// What was stopped counts as a habit too.
  private static let stoppedRuns = """
    DROP INDEX reservations_past;
    CREATE INDEX reservations_past ON reservations (tenant, kind, runner, id) WHERE state IN ('settled', 'bound');
    """
}
