import Tenant

/// What `watch` shows, as a value: which sessions are listed, which one is selected, how far its log is scrolled. Keys change it;
/// ``WatchPicture`` draws it; neither knows of a terminal.
struct WatchModel: Hashable {
  enum Filter: Hashable {
    case living
    /// Also those that ended within that many seconds.
    case recent(Int64)
    case all
  }

  enum Scroll: Hashable {
    /// The end of the log, as it grows.
    case following
    /// This line stays at the top, whatever is added below.
    case anchored(Int)
  }

  /// The pulse first, then by uptime, the youngest first, unknown ones last.
  private(set) var sessions: [SessionSummary] = []
  private(set) var filter: Filter
  private(set) var selected: String
  private(set) var scroll = Scroll.following
  /// The lines that the log has now: a line keeps its number, the first ones may be gone.
  var lines = 0..<0
  var rows = 24
  var columns = 80
  /// The first row of the table that is seen.
  private(set) var tableTop = 0
  /// Asked for by name: listed whatever the filter says.
  private let requested: String?
  private let initialFilter: Filter
  private var isDragging = false

  static let maximumTableRows = 5
  static let wheelLines = 3

  init(selected: String? = nil, filter: Filter = .living) {
    self.selected = selected ?? Session.pulse
    requested = selected
    self.filter = filter
    initialFilter = filter
  }

  // MARK: The table

  /// `ended` says when a session's state last changed.
  mutating func update(_ sessions: [SessionSummary], ended: [String: Int64] = [:], now: Int64) {
    self.sessions = sessions.filter { isListed($0, age: ended[$0.id].map { now - $0 }) }.sorted {
      Self.order($0) < Self.order($1)
    }
    hidden = sessions.count - self.sessions.count
    if !self.sessions.contains(where: { $0.id == selected }) {
      select(at: min(selectedIndex, max(0, self.sessions.count - 1)))
    }
    lastIndex = selectedIndex
    keepSelectionVisible()
  }

  /// How many sessions the filter hides.
  private(set) var hidden = 0
  private var lastIndex = 0

  private func isListed(_ session: SessionSummary, age: Int64?) -> Bool {
    if session.id == Session.pulse || session.id == requested || session.alive { return true }
    switch filter {
    case .living: return false
    case .recent(let seconds): return age.map { $0 <= seconds } ?? false
    case .all: return true
    }
  }

  private static func order(_ session: SessionSummary) -> (Int, Int64, String) {
    (session.id == Session.pulse ? 0 : 1, session.uptimeSeconds ?? .max, session.id)
  }

  var selectedIndex: Int { sessions.firstIndex { $0.id == selected } ?? lastIndex }

  private mutating func select(at index: Int) {
    guard sessions.indices.contains(index), sessions[index].id != selected else { return }
    selected = sessions[index].id
    lastIndex = index
    scroll = .following
    keepSelectionVisible()
  }

  private mutating func keepSelectionVisible() {
    tableTop = max(0, min(tableTop, sessions.count - tableRows))
    tableTop = min(tableTop, selectedIndex)
    tableTop = max(tableTop, selectedIndex - tableRows + 1)
  }

  // MARK: Places

  /// Rows of sessions that fit: the log keeps at least three lines.
  var tableRows: Int { max(1, min(Self.maximumTableRows, sessions.count, rows - 5)) }
  /// The log's lines on the screen; below it the table's heading, its rows and the footer.
  var paneRows: Int { max(1, rows - tableRows - 2) }

  /// The first line of the log that is seen.
  var top: Int {
    switch scroll {
    case .following: max(lines.lowerBound, lines.upperBound - paneRows)
    case .anchored(let line): min(max(line, lines.lowerBound), max(lines.lowerBound, lines.upperBound - paneRows))
    }
  }

  /// The part of the pane that the scrollbar's thumb takes; `nil` where all is seen.
  var thumb: Range<Int>? {
    guard lines.count > paneRows else { return nil }
    let length = max(1, paneRows * paneRows / lines.count)
    let room = lines.count - paneRows
    let start = (top - lines.lowerBound) * (paneRows - length) / max(1, room)
    return start..<(start + length)
  }

  // MARK: Keys

  /// `true` = leave.
  mutating func apply(_ key: Key) -> Bool {
    switch key {
    case .text("q"), .control("c"): return true
    case .up: select(at: selectedIndex - 1)
    case .down: select(at: selectedIndex + 1)
    case .control("p"): move(by: -1)
    case .control("n"): move(by: 1)
    case .control("u"): move(by: -max(1, paneRows / 2))
    case .control("d"): move(by: max(1, paneRows / 2))
    case .control("b"), .pageUp: move(by: -max(1, paneRows - 1))
    case .control("f"), .pageDown: move(by: max(1, paneRows - 1))
    case .wheelUp: move(by: -Self.wheelLines)
    case .wheelDown: move(by: Self.wheelLines)
    case .text("g"), .home: scroll = lines.count > paneRows ? .anchored(lines.lowerBound) : .following
    case .text("G"), .end: scroll = .following
    case .tab: filter = filter == .all ? (initialFilter == .all ? .living : initialFilter) : .all
    case .press(let row, let column): press(row, column)
    case .drag(let row, _): if isDragging { drag(to: row) }
    case .release: isDragging = false
    default: break
    }
    return false
  }

  private mutating func move(by count: Int) {
    let target = top + count
    // At the end again means following again.
    scroll = target + paneRows >= lines.upperBound ? .following : .anchored(max(lines.lowerBound, target))
  }

  private mutating func press(_ row: Int, _ column: Int) {
    if row < paneRows, column >= columns - 1, thumb != nil {
      isDragging = true
      drag(to: row)
    } else if row > paneRows, row <= paneRows + tableRows {
      select(at: tableTop + row - paneRows - 1)
    }
  }

  private mutating func drag(to row: Int) {
    let room = max(0, lines.count - paneRows)
    let wanted = lines.lowerBound + min(max(0, row), paneRows - 1) * room / max(1, paneRows - 1)
    scroll = wanted + paneRows >= lines.upperBound ? .following : .anchored(wanted)
  }

  // MARK: Words

  var filterName: String {
    switch filter {
    case .living: "living"
    case .recent(let seconds): "recent (\(Age.short(seconds)))"
    case .all: "all"
    }
  }
}
