import CLinux
import Glibc
package import Tenant

/// How wide and high the terminal is, and whether there is one.
package struct TerminalSize: Hashable, Sendable {
  package var columns: Int
  package var rows: Int

  package init(columns: Int, rows: Int) {
    self.columns = columns
    self.rows = rows
  }

  /// nil where the descriptor is no terminal.
  package static func of(_ descriptor: CInt) -> TerminalSize? {
    var (rows, columns): (UInt16, UInt16) = (0, 0)
    guard isatty(descriptor) == 1, unsafe clinux_get_window_size(descriptor, &rows, &columns) == 0 else { return nil }
    // Some terminals do not know their size and say 0.
    return TerminalSize(columns: columns == 0 ? 80 : max(40, Int(columns)), rows: rows == 0 ? 24 : max(8, Int(rows)))
  }

  /// Colours where somebody looks and has not asked for none (no-color.org).
  package static func wantsColour(_ descriptor: CInt, _ environment: HostEnvironment) -> Bool {
    isatty(descriptor) == 1 && environment["NO_COLOR"] == nil && environment["TERM"] != "dumb"
  }
}
