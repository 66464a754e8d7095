import Glibc
import SystemPackage
import Tenant
import TestSupport
import Testing

@testable import Fleet

@Suite struct DiskWatchTests {
  private static let mega: Int64 = 1 << 20

  private func expectNobody(_ eater: (tenant: String, bytes: Int64)?, _ why: Comment? = nil) {
    #expect(eater == nil, why)
  }

  @Test(arguments: [
    (8000, DiskWatch.Room.plenty, true), (7999, .near, true), (1000, .near, true), (999, .near, false),
    (500, .near, false),
    (499, .short, false), (0, .short, false),
  ]) func `half of what is to stay free is short, and who was stopped goes on only with all of it`(
    _ row: (free: Int64, room: DiskWatch.Room, goesOn: Bool)
  ) {
    var watch = DiskWatch()
    let mayGoOn = watch.look(free: row.free, floor: 1000)
    #expect(watch.room == row.room && mayGoOn == row.goesOn)
  }

  @Test func `no floor is no limit`() {
    var watch = DiskWatch()
    _ = watch.look(free: 0, floor: 0)
    #expect(watch.room == .plenty)
  }

  @Test func `who has most written since the last look is held, and only where it is short`() {
    var watch = DiskWatch()
    _ = watch.look(free: 900, floor: 1000)
    expectNobody(watch.eater(["a": [1: 500 * Self.mega], "b": [2: 0]]))
    expectNobody(watch.eater(["a": [1: 500 * Self.mega], "b": [2: 90 * Self.mega]]), "there is room")
    _ = watch.look(free: 400, floor: 1000)
    // What was written long ago does not count; a process that is new does, and so does a tenant's each.
    let eater = watch.eater(["a": [1: 501 * Self.mega], "b": [2: 95 * Self.mega, 3: 4 * Self.mega]])
    #expect(eater?.tenant == "b" && eater?.bytes == 9 * Self.mega)
    // It is held now; the next one follows only if it writes.
    expectNobody(watch.eater(["a": [1: 501 * Self.mega + 1000]]))
    let next = watch.eater(["a": [1: 503 * Self.mega]])
    #expect(next?.tenant == "a")
  }

  /// A compiler that wrote for an hour and ends now did not write all of that now.
  @Test func `what a process had written does not count again in its parent`() {
    var watch = DiskWatch()
    _ = watch.look(free: 400, floor: 1000)
    expectNobody(watch.eater(["a": [1: 0, 2: 900 * Self.mega], "b": [9: 0]]))
    let eater = watch.eater(["a": [1: 900 * Self.mega], "b": [9: 3 * Self.mega]])
    #expect(eater?.tenant == "b")
    // What it wrote last of all does.
    #expect(watch.eater(["a": [1: 905 * Self.mega], "b": [9: 3 * Self.mega]])?.bytes == 5 * Self.mega)
  }

  @Test func `a tenant that was not looked at before is nobody's eater yet`() {
    var watch = DiskWatch()
    _ = watch.look(free: 0, floor: 1000)
    expectNobody(watch.eater(["a": [1: 500 * Self.mega]]))
  }

  @Test(arguments: [
    ("rchar: 1\nwrite_bytes: 4096\ncancelled_write_bytes: 96\n", Int64(4000)), ("write_bytes: 7\n", 7),
    ("write_bytes: 1\ncancelled_write_bytes: 9\n", 0), ("rchar: 1\n", nil), ("", nil),
  ]) func `what a process had written is read as the kernel says it`(_ row: (text: String, bytes: Int64?)) {
    #expect(WrittenBytes.parse(row.text) == row.bytes)
  }
}

@Suite struct DiskReserveTests {
  @Test func `room is set aside on the disk, given up where there is no other, and taken again`() throws {
    let scratch = try ScratchDirectory()
    let reserve = DiskReserve(file: scratch.appending("reserve"))
    func blocks() -> Int64? {
      var status = stat()
      return lstat(reserve.file.string, &status) == 0 ? Int64(status.st_blocks) * 512 : nil
    }
    let floor = 2 * DiskReserve.bytes
    try reserve.follow(free: DiskReserve.bytes + floor - 1, floor: floor)
    #expect(blocks() == nil, "it would take what is to stay free")
    // Where nothing is to stay free it would be given up at the next look.
    try reserve.follow(free: 2 * DiskReserve.bytes - 1, floor: 0)
    #expect(blocks() == nil)
    try reserve.follow(free: DiskReserve.bytes + floor, floor: floor)
    #expect((blocks() ?? 0) >= DiskReserve.bytes)
    try reserve.follow(free: DiskReserve.bytes, floor: 100)
    #expect((blocks() ?? 0) >= DiskReserve.bytes)
    for _ in 1...2 {
      try reserve.follow(free: DiskReserve.bytes - 1, floor: 100)
      #expect(blocks() == nil)
    }
    try reserve.follow(free: .max / 2, floor: 100)
    #expect((blocks() ?? 0) >= DiskReserve.bytes)
  }
}

@Suite struct DiskOccupationTests {
  @Test func `who does nothing is looked at once, who does something again and again, and large ones rarely`() {
    var disk = DiskOccupation()
    let look1 = disk.begin(isBusy: false, isFull: false, at: 0)
    #expect(look1)
    let look2 = disk.begin(isBusy: true, isFull: true, at: 1)
    #expect(!look2, "it is being looked at")
    disk.end(5, at: 1)
    #expect(disk.bytes == 5)
    let look3 = disk.begin(isBusy: false, isFull: false, at: 1000)
    #expect(!look3)
    let look4 = disk.begin(isBusy: false, isFull: true, at: 1000)
    #expect(look4, "somebody may have made room")
    disk.end(nil, at: 1010)
    #expect(disk.bytes == 5)
    let look5 = disk.begin(isBusy: true, isFull: false, at: 1010 + 10 * DiskOccupation.share - 1)
    #expect(!look5)
    let look6 = disk.begin(isBusy: true, isFull: false, at: 1010 + 10 * DiskOccupation.share)
    #expect(look6)
  }
}
