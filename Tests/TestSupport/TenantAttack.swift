/// One thing that tenant A tries on tenant B or on the supervisor: a script that prints `GOT` when it got through.
package struct TenantAttack: Sendable {
  package var name: String
  /// May name `$B_DATA $B_HOME $B_TMP $B_PID $B_UID $FLEET $FLEET_PID $SECRET`; ``FleetAttacks`` has more.
  package var script: String
  /// Without Landlock it must fail as well: Unix permissions alone are the guard on older kernels.
  package var needsLandlock = false
  /// The proof that the script could get through at all: it does on what is the attacker's own, in all the places that it names.
  package var worksOnItself = false
  /// Another proof: it gets through beside the fleet, as the same user with none of the guards.
  package var worksBeside = false

  package init(
    _ name: String, needsLandlock: Bool = false, worksOnItself: Bool = false, worksBeside: Bool = false,
    _ script: String
  ) {
    self.name = name
    self.script = script
    self.needsLandlock = needsLandlock
    self.worksOnItself = worksOnItself
    self.worksBeside = worksBeside
  }

  /// On files, processes and the kernel: what any two users of one machine could try.
  package static let all: [TenantAttack] = [
    TenantAttack("reads B's secret in its data dir", worksOnItself: true, #"grep -q . "$B_DATA/secret" && echo GOT"#),
    TenantAttack("lists B's data dir", worksOnItself: true, #"ls "$B_DATA" && echo GOT"#),
    TenantAttack("lists B's home", worksOnItself: true, #"ls "$B_HOME" && echo GOT"#),
    TenantAttack(
      "reads B's runner home", worksOnItself: true, #"cat "$B_HOME"/.looop-fleet/*/claude/credentials && echo GOT"#),
    TenantAttack(
      "plants a file in B's runner home", worksOnItself: true,
      #"echo x >"$B_HOME/.looop-fleet/b/claude/settings.json" && echo GOT"#),
    TenantAttack(
      "writes an answer into B's mailbox", worksOnItself: true,
      #"mkdir -p "$B_DATA/answers" && echo '{}' >"$B_DATA/answers/x.json" && echo GOT"#),
    TenantAttack("renames B's data dir away", worksOnItself: true, #"mv "$B_DATA" "$B_DATA.gone" && echo GOT"#),
    TenantAttack(
      "removes B's sandbox", worksOnItself: true,
      #"rm -rf "$FLEET/sandboxes/b"/* && ls "$FLEET/sandboxes/b" && echo GOT"#),
    TenantAttack("puts a link in B's TMPDIR", worksOnItself: true, #"ln -s /etc/passwd "$B_TMP/x" && echo GOT"#),
    TenantAttack("reads B's environment", worksOnItself: true, #"cat /proc/$B_PID/environ | grep -q . && echo GOT"#),
    TenantAttack("reads B's memory map", worksOnItself: true, #"cat /proc/$B_PID/maps | grep -q . && echo GOT"#),
    TenantAttack("opens B's memory", worksOnItself: true, #"exec 5</proc/$B_PID/mem && echo GOT"#),
    TenantAttack("follows B's working directory", worksOnItself: true, #"ls /proc/$B_PID/cwd/ && echo GOT"#),
    TenantAttack("lists B's descriptors", worksOnItself: true, #"ls /proc/$B_PID/fd/ && echo GOT"#),
    TenantAttack("reads B's root through /proc", worksOnItself: true, #"ls /proc/$B_PID/root/ && echo GOT"#),
    TenantAttack(
      "reads the supervisor's environment", worksOnItself: true,
      #"cat /proc/$FLEET_PID/environ | grep -q . && echo GOT"#),
    TenantAttack("opens the supervisor's memory", worksOnItself: true, #"exec 5</proc/$FLEET_PID/mem && echo GOT"#),
    TenantAttack("lists the supervisor's descriptors", worksOnItself: true, #"ls /proc/$FLEET_PID/fd/ && echo GOT"#),
    TenantAttack("signals B", worksOnItself: true, #"kill -0 $B_PID && echo GOT"#),
    TenantAttack("kills all that B has", worksOnItself: true, #"kill -9 -$B_PID && echo GOT"#),
    TenantAttack("signals the supervisor", worksOnItself: true, #"kill -0 $FLEET_PID && echo GOT"#),
    TenantAttack(
      "makes B a victim of the memory killer", worksOnItself: true,
      #"echo 1000 >/proc/$B_PID/oom_score_adj && echo GOT"#),
    TenantAttack("protects itself from the memory killer", #"echo -500 >/proc/self/oom_score_adj && echo GOT"#),
    TenantAttack("takes B's niceness away", worksOnItself: true, #"renice -n 19 -p $B_PID && echo GOT"#),
    TenantAttack("reads the fleet's ledger", worksOnItself: true, #"cat "$FLEET/ledger.sqlite" && echo GOT"#),
    TenantAttack("edits the fleet's ledger", worksOnItself: true, #"echo x >>"$FLEET/ledger.sqlite" && echo GOT"#),
    TenantAttack(
      "puts a file beside the ledger", worksOnItself: true, #"touch "$FLEET/ledger.sqlite-wal" && echo GOT"#),
    TenantAttack("lists the fleet's state", worksOnItself: true, #"ls "$FLEET" && echo GOT"#),
    TenantAttack("reads the shadow file", #"cat /etc/shadow && echo GOT"#),
    TenantAttack("reads a world-readable file that is not its own", needsLandlock: true, #"cat "$SECRET" && echo GOT"#),
    TenantAttack("lists the shared temporary directory", needsLandlock: true, #"ls /tmp >/dev/null && echo GOT"#),
    TenantAttack(
      "plants in the shared temporary directory", needsLandlock: true,
      #"touch /tmp/looop-planted-$$ && { rm -f /tmp/looop-planted-$$; echo GOT; }"#),
    TenantAttack(
      "reads the secret by a link in its own data dir", worksOnItself: true,
      #"ln -s "$B_DATA/secret" link; cat link && echo GOT"#),
    TenantAttack(
      "hard-links the secret into its own data dir", worksOnItself: true, #"ln "$B_DATA/secret" hard && echo GOT"#),
    TenantAttack("hard-links the shadow file into its own data dir", #"ln /etc/shadow hard && echo GOT"#),
    TenantAttack("makes a device in its own data dir", #"mknod disk b 8 0 && echo GOT"#),
    TenantAttack("mounts", #"mount -t tmpfs none . && echo GOT"#),
    TenantAttack(
      "becomes root by sudo or su", #"(sudo -n id -u || su -c 'id -u') </dev/null | grep -qx 0 && echo GOT"#),
    TenantAttack("gets rights from a user namespace", #"unshare -Ur sh -c 'cat /etc/shadow' && echo GOT"#),
    TenantAttack(
      "loads code into the next trampoline by its own environment", worksBeside: true,
      #"[ -n "$LD_PRELOAD$BASH_ENV$LD_LIBRARY_PATH" ] && echo GOT"#),
    TenantAttack(
      "has a secret of the supervisor's", worksBeside: true,
      #"env | grep -q -e supervisor -e FLEET_SECRET -e sk- && echo GOT"#),
    TenantAttack("raises its own limits", #"ulimit -Hn 1000000 && echo GOT"#),
    TenantAttack(
      "removes its group's limit",
      #"for f in $(find /sys/fs/cgroup -path '*/t-a/*' \( -name memory.max -o -name pids.max -o -name 'memory.limit*' \) ); do echo max >$f && echo GOT; done; echo"#
    ),
    TenantAttack("freezes B", #"echo 1 >$(find /sys/fs/cgroup -path '*/t-b/cgroup.freeze' | head -1) && echo GOT"#),
    TenantAttack("kills B's group", #"echo 1 >$(find /sys/fs/cgroup -path '*/t-b/cgroup.kill' | head -1) && echo GOT"#),
    TenantAttack(
      "traces B", worksOnItself: true,
      #"/usr/bin/python3 -c 'import ctypes,os,sys; sys.exit(0 if ctypes.CDLL(None).ptrace(16, int(os.environ["B_PID"]), 0, 0) == 0 else 1)' && echo GOT"#
    ),
    TenantAttack(
      "reads B by process_vm_readv", worksOnItself: true,
      #"/usr/bin/python3 -c 'import ctypes,os,sys; c=ctypes.CDLL(None,use_errno=True); r=c.process_vm_readv(int(os.environ["B_PID"]),None,0,None,0,0); b=ctypes.create_string_buffer(8); I=type("I",(ctypes.Structure,),{"_fields_":[("b",ctypes.c_void_p),("n",ctypes.c_size_t)]}); l=I(ctypes.addressof(b),8); m=I(0x400000,8); r=c.process_vm_readv(int(os.environ["B_PID"]),ctypes.byref(l),1,ctypes.byref(m),1,0); sys.exit(0 if r>=0 or ctypes.get_errno()!=1 else 1)' && echo GOT"#
    ),
    TenantAttack(
      "takes a descriptor of B's by pidfd", worksOnItself: true,
      #"/usr/bin/python3 -c 'import ctypes,os,sys; p=os.pidfd_open(int(os.environ["B_PID"])); sys.exit(0 if ctypes.CDLL(None).syscall(438,p,0,0)>=0 else 1)' && echo GOT"#
    ),
    TenantAttack(
      "connects to an abstract socket of B's", needsLandlock: true,
      #"/usr/bin/python3 -c 'import socket,os; s=socket.socket(socket.AF_UNIX); s.connect("\0looop-b-"+os.environ["B_UID"])' && echo GOT"#
    ),
  ]
}
