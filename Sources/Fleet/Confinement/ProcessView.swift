/// Whether `/proc` hides other users' processes (proc(5), `hidepid`), as the mount table tells. Pure.
package enum ProcessView {
  /// - `mountinfo`: the text of `/proc/self/mountinfo`; of several mounts over each other the last one is seen.
  package static func isHidden(mountinfo: String) -> Bool {
    var hidden = false
    for line in mountinfo.split(separator: "\n") {
      let fields = line.split(separator: " ")
      guard fields.count >= 10, fields[4] == "/proc", let dash = fields.firstIndex(of: "-"), fields.count >= dash + 4,
        fields[dash + 1] == "proc"
      else { continue }
      hidden = fields[dash + 3].split(separator: ",").contains { option in
        ["hidepid=1", "hidepid=2", "hidepid=4", "hidepid=noaccess", "hidepid=invisible", "hidepid=ptraceable"]
          .contains(String(option))
      }
    }
    return hidden
  }
}
