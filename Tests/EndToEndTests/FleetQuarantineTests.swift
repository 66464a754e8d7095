import Glibc
import SystemPackage
import Tenant
import TestSupport
import Testing

/// A tenant whose beats fail again and again: it is tried ever more rarely, says why, holds up nobody, and comes back once mended.
@Suite(.serialized, .timeLimit(.minutes(3)))
struct FleetQuarantineTests {
  @Test func `a tenant that always crashes is quarantined, delays nobody, and resumes once mended`() throws {
    let fleet = try FleetUnderTest()
    let home = fleet.scratch.appending("homes/bad")
    try fleet.makeTenant("bad", yaml: "runner_home: \(home)\n")
    try fleet.makeTenant("well", sensors: ["beats": BeatTimes.sensor])
    try fleet.start()
    #expect(
      try eventually(within: 20) { try fleet.tenant("bad")?["last_beat"]?["outcome"]?.string != nil }, "\(fleet.log)")
    // Its processes cannot even be started any more: where their home was, there is a file.
    try Directory.removeTree(home)
    try fleet.scratch.write("", to: "homes/bad")
    let beats = BeatTimes(fleet.dataDir("well"))
    let began = BeatTimes.now
    #expect(try eventually(within: 20) { try fleet.phase("bad") == "degraded" }, "\(fleet.log)")
    // Touching its files without end does not make it try without end.
    var touches = 0
    #expect(
      try eventually(within: 60, every: 50) {
        touches += 1
        try fleet.scratch.write("Again \(touches).\n", to: "tenants/bad/goals/goal.md")
        return try fleet.phase("bad") == "quarantined"
      }, "\(fleet.log)")
    #expect(BeatTimes.now - began > 6, "eight tries, a second apart at the least")
    #expect(touches > 16)
    let row = try #require(try fleet.tenant("bad"))
    let reason = row["reason"]?.string ?? ""
    #expect(reason.contains("8 times in a row") && reason.contains("homes/bad"), "\(reason)")
    #expect(reason.contains("looop-fleet tenant resume"), "\(reason)")
    #expect(fleet.log.contains("quarantined after 8 failures in a row") && fleet.log.contains("tenant resume bad"))
    #expect(try fleet.run("status").exitCode == 1)
    #expect(beats.worst(since: began) < 2, "\(beats.lateness(since: began))")

    AtomicFile.remove(home)
    #expect(try fleet.run("tenant", "resume", "bad").exitCode == 0)
    #expect(try eventually(within: 10) { try fleet.phase("bad") == "running" }, "\(fleet.log)")
    #expect((try fleet.tenant("bad")?["next_beat_at"]?.int ?? .max) < Int64(BeatTimes.now) + 5)
  }

  @Test func `a data dir that is moved away is missed at once, and one that is put in its place is taken over`() throws
  {
    let fleet = try FleetUnderTest()
    try fleet.makeTenant("away")
    try fleet.makeTenant("other", yaml: "interval: 600s\n")
    try fleet.start()
    for name in ["away", "other"] {
      #expect(try eventually(within: 20) { try fleet.tenant(name)?["last_beat"]?["at"]?.int != nil }, "\(fleet.log)")
    }
    // A file where it was: there is nothing to beat in, until it is back.
    let (place, aside) = (fleet.dataDir("away").root.string, fleet.scratch.appending("aside").string)
    #expect(rename(place, aside) == 0)
    try fleet.scratch.write("not a directory\n", to: "tenants/away")
    #expect(try eventually(within: 20) { try fleet.phase("away") == "degraded" }, "\(fleet.log)")
    #expect(try fleet.tenant("away")?["reason"]?.string?.contains("tenants/away") == true)
    AtomicFile.remove(FilePath(place))
    #expect(rename(aside, place) == 0)
    #expect(try eventually(within: 20) { try fleet.phase("away") == "running" }, "\(fleet.log)")

    // Restored from a copy: the new one is locked and watched, though its next beat is far away.
    let copied = try RunningProcess.shell(
      "cp -a \"$0\" \"$0.new\" && mv \"$0\" \"$0.old\" && mv \"$0.new\" \"$0\"".replacing(
        "$0", with: fleet.dataDir("other").root.string))
    #expect(copied.exitCode == 0, "\(copied.errors)")
    let lock = fleet.dataDir("other").pulseLock
    #expect(
      try eventually(within: 20) {
        let isFree = try FileLock.tryTaking(lock) != nil
        return !isFree
      }, "\(fleet.log)")
    let before = try fleet.tenant("other")?["last_beat"]?["at"]?.int ?? 0
    #expect(
      try eventually(within: 20, every: 200) {
        try fleet.scratch.write("Another.\n", to: "tenants/other/goals/goal.md")
        return (try fleet.tenant("other")?["last_beat"]?["at"]?.int ?? 0) > before
      }, "\(fleet.log)")
  }
}
