import TestSupport

/// What a tenant can try only where a fleet runs: its socket, its ledger, its helpers, its worktrees. They follow on ``TenantAttack/all``.
enum FleetAttacks {
  /// For the attacker's scripts; `$A` is the attacker's own tenant.
  static let prelude = #"""
    code() { curl -s -o /dev/null -m 10 -w '%{http_code}' --unix-socket "$SOCKET" "$@"; }
    post() { code -X POST -d "${2-}" "http://fleet$1"; }
    allowed() { [ "$(post "$@")" = 200 ] && echo GOT; }

    """#

  /// Each must be denied.
  static let denied: [TenantAttack] = [
    .init("answers B's ask", #"allowed /v1/asks/b/mend-1/answer '{"text":"yes"}'"#),
    .init(
      "answers the budget's ask about itself", #"allowed /v1/asks/$A/budget-$(date +%F)/answer '{"text":"raise 20"}'"#),
    .init("raises its own budget", #"allowed /v1/tenants/$A/raise '{"usd":100}'"#),
    .init("raises the fleet's budget", #"allowed /v1/raise '{"usd":100}'"#),
    .init("answers the fleet's ask", #"allowed /v1/asks/@fleet/budget-$(date +%F)/answer '{"text":"raise 20"}'"#),
    .init("reads who changed what", #"[ "$(code http://fleet/v1/audit)" = 200 ] && echo GOT"#),
    .init("raises B's budget", #"allowed /v1/tenants/b/raise '{"usd":100}'"#),
    .init("pauses B", "allowed /v1/tenants/b/pause"),
    .init("freezes B", "allowed /v1/tenants/b/freeze"),
    .init("freezes the fleet", "allowed /v1/freeze"),
    .init("drains the fleet", "allowed /v1/drain"),
    .init("reloads the configuration", "allowed /v1/reload"),
    .init("kills B's worker", "allowed /v1/workers/b/mend/kill"),
    .init("runs a verb as B", #"allowed /v1/tenants/b/verb '{"arguments":["goal","list"]}'"#),
    .init("prunes everybody's sandboxes", "allowed /v1/prune"),
    .init("looks at B over the socket", #"[ "$(code http://fleet/v1/tenants/b)" = 200 ] && echo GOT"#),
    .init(
      "finds B in the status",
      #"curl -s --unix-socket "$SOCKET" http://fleet/v1/status | grep -q '"name":"b"' && echo GOT"#),
    .init(
      "finds B's ask in the mailbox",
      #"curl -s --unix-socket "$SOCKET" http://fleet/v1/asks | grep -q 'b/mend' && echo GOT"#),
    .init(
      "reads B's log",
      #"curl -s --unix-socket "$SOCKET" 'http://fleet/v1/logs?tenant=b' | grep -q '"tenant":"b"' && echo GOT"#),
    .init("reads the fleet's metrics", #"[ "$(code http://fleet/metrics)" = 200 ] && echo GOT"#),
    .init(
      "says that it is root",
      #"[ "$(code -H 'X-Remote-User: root' -H 'Authorization: root' http://fleet/metrics)" = 200 ] && echo GOT"#),
    .init(
      "sends a body without end",
      #"[ "$(head -c 64M /dev/zero | code -T - http://fleet/v1/asks/$A/x/answer)" = 200 ] && echo GOT"#),
    .init(
      "puts a socket of its own in the fleet's place",
      #"mv "$SOCKET" "$SOCKET.old" && echo GOT; rm -f "$SOCKET" && echo GOT"#),
    .init(
      "holds the fleet's locks", worksOnItself: true,
      #"exec 8<"$FLEET/fleet.lock" && echo GOT; exec 9<"$SOCKET.lock" && echo GOT"#),
    .init(
      "asks B's session to end",
      ##"""
      /usr/bin/python3 -c 'import socket,os
      s=socket.socket(socket.AF_UNIX); s.connect(os.environ["B_DATA"]+"/sessions/mend/control.sock")
      s.send(b"{\"op\":\"kill\"}\n"); print("GOT")'
      """##),
    .init("takes B's pulse lock", worksOnItself: true, #"exec 9<"$B_DATA/.lock/lock" && echo GOT"#),
    .init(
      "watches B's mailbox", worksOnItself: true,
      ##"""
      /usr/bin/python3 -c 'import ctypes,os
      c=ctypes.CDLL(None); f=c.inotify_init1(0)
      if c.inotify_add_watch(f,os.environ["B_DATA"].encode()+b"/asks",0xfff)>=0: print("GOT")'
      """##),
    .init(
      "writes a tenant's configuration", worksOnItself: true,
      #"echo 'budget: none' >>"$ETC/tenants.d/$A.yaml" && echo GOT"#),
    .init("adds a tenant", worksOnItself: true, #"echo "data_dir: $B_DATA" >"$ETC/tenants.d/x.yaml" && echo GOT"#),
    .init(
      "writes B's repository", worksOnItself: true,
      #"echo x >"$B_REPO/.git/config" && echo GOT; touch "$B_REPO/new" && echo GOT"#),
    .init(
      "plants a hook for B's git", worksOnItself: true,
      #"echo 'touch /tmp/x' >"$B_REPO/.git/hooks/post-checkout" && echo GOT"#),
    .init(
      "points B's worktree elsewhere", worksOnItself: true,
      #"for f in "$B_REPO"/.git/worktrees/*/gitdir; do echo /tmp >"$f" && echo GOT; done"#),
    .init(
      "writes into B's worktree", worksOnItself: true,
      #"echo x >>"$B_TREE/file.txt" && echo GOT; ls "$B_TREE" && echo GOT"#),
    .init(
      "puts a program where B's PATH begins", worksOnItself: true,
      #"mkdir -p "$B_HOME/.local/bin" && echo GOT; cp /bin/true "$B_HOME/.local/bin/git" && echo GOT"#),
    .init(
      "leaves a key and a program in its user's home, for after its stop", needsLandlock: true,
      #"mkdir -p ~/.ssh ~/.local/bin; echo x >>~/.ssh/authorized_keys && echo GOT; echo x >~/.local/bin/git && echo GOT; echo x >>~/.bashrc && echo GOT"#
    ),
    .init("has every program load code of its own", "echo $PWD/evil.so >>/etc/ld.so.preload && echo GOT"),
    .init(
      "gains root from a set-user-id program", worksBeside: true,
      #"[ "$("$SUID" -u)" = 0 ] && echo GOT; grep -q 'NoNewPrivs:.0' /proc/self/status && echo GOT"#),
    .init(
      "finds a descriptor of the supervisor's or of B's", worksBeside: true,
      #"for f in /proc/$$/fd/*; do readlink "$f"; done | grep -e "$FLEET" -e "$B_DATA" -e "$ETC" && echo GOT"#),
    .init(
      "writes to B's terminal", #"for t in /dev/pts/[0-9]*; do [ -O "$t" ] || { echo x >"$t" && echo GOT; }; done"#),
    .init(
      "looks into its own beat, to speak at its door",
      ##"""
      /usr/bin/python3 -c 'import os,time
      me=os.getuid(); end=time.time()+3
      while time.time()<end:
        for p in filter(lambda p: p.isdigit() and p!=str(os.getpid()),os.listdir("/proc")):
          try:
            line=open(f"/proc/{p}/cmdline").read()
            if "\0_\0confine\0" in line or "\0beat\0" in line or "--door" in line:
              os.listdir(f"/proc/{p}/fd"); open(f"/proc/{p}/mem","rb"); print("GOT",p,line[:80])
          except OSError: pass'
      """##),
    .init(
      "leaves its control group",
      #"for f in $(find /sys/fs/cgroup -maxdepth 2 -name cgroup.procs); do echo $$ >$f && echo GOT; done"#),
    .init(
      "joins B's control group",
      #"for f in $(find /sys/fs/cgroup -path '*/t-b/*' -name cgroup.procs); do echo $$ >$f && echo GOT; done"#),
    .init(
      "opens a disk or the memory",
      "for d in /dev/mem /dev/kmem /dev/port /dev/sda /dev/vda /dev/nvme0n1; do exec 5<$d && echo GOT; done"),
    .init(
      "listens to all of the network",
      ##"""
      /usr/bin/python3 -c 'import socket
      socket.socket(socket.AF_PACKET,socket.SOCK_RAW,3); print("GOT")'
      """##),
    .init("sets the clock", "date -s '+1 hour' && echo GOT"),
    .init("names the machine anew", "hostname evil && echo GOT"),
    .init(
      "turns a knob of the kernel",
      "echo 0 >/proc/sys/kernel/pid_max && echo GOT; echo b >/proc/sysrq-trigger && echo GOT"),
    .init(
      "debugs the supervisor", worksOnItself: true,
      ##"""
      /usr/bin/python3 -c 'import ctypes,os
      if ctypes.CDLL(None).ptrace(16,int(os.environ["FLEET_PID"]),0,0)==0: print("GOT")'
      """##),
    .init(
      "takes the ledger's descriptor from the supervisor", worksOnItself: true,
      ##"""
      /usr/bin/python3 -c 'import ctypes,os
      p=os.pidfd_open(int(os.environ["FLEET_PID"])); c=ctypes.CDLL(None)
      if any(c.syscall(438,p,n,0)>=0 for n in range(3,40)): print("GOT")'
      """##),
  ]

  /// Each works, for it is the tenant's own: and must be its own trouble only. `c` is the attacker without Landlock.
  static let troubles: [TenantAttack] = [
    .init(
      "sessions that name B's worker and the supervisor as its own, a hundred times",
      ##"""
      /usr/bin/python3 -c 'import os,json
      d=os.environ["D"]; boot=open("/proc/sys/kernel/random/boot_id").read().strip()
      def start(p): return int(open(f"/proc/{p}/stat").read().rsplit(")",1)[1].split()[19])
      for n in range(100):
        p=int(os.environ["B_PID"] if n%2 else os.environ["FLEET_PID"])
        i=f"lie-{n}"; s=f"{d}/sessions/{i}"; os.makedirs(s,exist_ok=True)
        who={"pid":p,"start_time":start(p),"boot_id":boot}
        json.dump({"id":i,"cmd":["x"],"babysit_pid":p,"started_at":"2026-01-01T00:00:00Z",**who},open(s+"/meta.json","w"))
        json.dump({"state":"running","child_pid":p},open(s+"/status.json","w"))
        r={"v":1,"id":i,"phase":"running","requested_at":1,"started_at":1,"generation":i,"process":who,
           "repo":"c","sandbox":os.environ["B_TREE"],"branch":"looop/mend"}
        json.dump(r,open(f"{d}/workers/{i}.json","w"))
      for n,place in enumerate([os.environ["B_TREE"],os.environ["B_DATA"],"/","../../b/trees/mend"]):
        r={"v":1,"id":f"gone-{n}","phase":"exited","requested_at":1,"started_at":1,"generation":f"gone-{n}",
           "repo":"c","sandbox":place,"branch":"looop/mend"}
        json.dump(r,open(f"{d}/workers/gone-{n}.json","w"))'
      """##),
    .init("ends those that it claims", "for n in 1 2 51 52; do timeout 20 $LOOOP_BIN _ worker kill lie-$n; done"),
    .init("pipes where records are read", "mkfifo $D/asks/pipe.json $D/workers/pipe.json $D/goals/pipe.md"),
    .init(
      "links to others' files and to devices",
      #"ln -s "$B_DATA/asks/mend-1.json" $D/asks/link.json; ln -s /dev/zero $D/workers/zero.json; ln -s /etc/shadow $D/goals/shadow.md; ln -s $D $D/goals/up"#
    ),
    .init("files of a terabyte", "truncate -s 1T $D/goals/huge.md $D/asks/huge.json"),
    .init(
      "a directory of a thousand levels",
      "p=$D; for i in $(seq 1000); do p=$p/d; done; mkdir -p $p; p=$D/asks; for i in $(seq 300); do p=$p/d; done; mkdir -p $p"
    ),
    .init(
      "records nested a hundred thousand deep",
      #"/usr/bin/python3 -c 'print("["*100000)' | tee $D/workers/deep.json >$D/asks/deep.json"#),
    .init(
      "six thousand long asks",
      ##"""
      /usr/bin/python3 -c 'import os,json
      d=os.environ["D"]+"/asks/"
      for n in range(6000):
        open(d+f"flood-{n}.json","w").write(json.dumps({"id":f"flood-{n}","session":"w","prompt":"x"*3000,"ts":1}))'
      """##),
    .init(
      "sensors that hang, and that print without end",
      #"for n in 1 2 3; do printf '#!/bin/sh\nexec sleep 600\n' >$D/sensors/hang$n.sh; printf '#!/bin/sh\nexec yes\n' >$D/sensors/yes$n.sh; done; chmod 755 $D/sensors/*.sh"#
    ),
    .init(
      "a file touched as fast as it can", "timeout 1 sh -c 'while :; do : >$D/goals/goal.md; : >$D/asks/t.json; done'"),
    .init(
      "a hundred connections and its fill of helpers that wait",
      ##"""
      /usr/bin/python3 -c 'import socket,os,time,threading
      path=os.environ["SOCKET"]; a=os.environ["A"]; held=[]
      for n in range(100):
        try:
          s=socket.socket(socket.AF_UNIX); s.connect(path); s.send(b"POST /v1/asks HTTP/1.1\r\n"); held.append(s)
        except OSError: pass
      body=b"{\"arguments\":[\"wait\"]}"
      for n in range(20):
        try:
          s=socket.socket(socket.AF_UNIX); s.connect(path)
          s.send(b"POST /v1/tenants/%s/verb HTTP/1.1\r\nHost: fleet\r\nContent-Length: %d\r\n\r\n"%(a.encode(),len(body))+body)
          held.append(s)
        except OSError: pass
      time.sleep(2)'
      """##),
    .init(
      "its own helpers and beats stopped, then ended",
      #"""
      for i in $(seq 15); do
        for p in /proc/[0-9]*; do
          [ -O $p ] && tr '\0' ' ' <$p/cmdline 2>/dev/null | grep -q -e ' beat ' -e ' report ' -e ' hold' && kill -STOP ${p#/proc/}
        done
        sleep 0.05
      done
      """#),
  ]
}

extension FleetAttacks {
  /// The other side of the test: these are an attacker's right, and come through, so it is the guards that stop the others.
  static let allowed: [TenantAttack] = [
    .init("runs a verb of its own over the socket", #"allowed /v1/tenants/$A/verb '{"arguments":["goal","list"]}'"#),
    .init(
      "sees itself in the status",
      #"curl -s --unix-socket "$SOCKET" http://fleet/v1/status | grep -q "\"name\":\"$A\"" && echo GOT"#),
    .init("signals a process of its own", "sleep 9 & kill $! && echo GOT"),
    .init("writes where it may", #"echo x >"$TMPDIR/x" && echo GOT"#),
  ]
}
