import Fleet
import Testing

@Suite struct ProcessViewTests {
  @Test(arguments: [
    ("22 1 0:21 / /proc rw,nosuid shared:12 - proc proc rw", false),
    ("22 1 0:21 / /proc rw,nosuid shared:12 - proc proc rw,hidepid=invisible", true),
    ("22 1 0:21 / /proc rw - proc proc rw,gid=5,hidepid=2", true),
    ("22 1 0:21 / /proc rw - proc proc rw,hidepid=off", false),
    ("22 1 0:21 / /proc rw - proc proc rw\n90 22 0:40 / /proc rw - proc proc rw,hidepid=ptraceable,subset=pid", true),
    ("22 1 0:21 / /proc rw - proc proc rw,hidepid=2\n90 22 0:40 / /proc rw - proc proc rw", false),
    ("22 1 0:21 / /srv/proc rw - proc proc rw,hidepid=2", false),
    ("22 1 0:21 / /proc rw - tmpfs none rw,hidepid=2", false), ("", false), ("22 1", false),
  ]) func `what hides processes stands in the mount table`(_ text: String, _ hidden: Bool) {
    #expect(ProcessView.isHidden(mountinfo: text) == hidden)
  }
}
