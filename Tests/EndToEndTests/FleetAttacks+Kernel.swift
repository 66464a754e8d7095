import TestSupport

/// Attacks through what the kernel shares out among all its users: keys, shared memory, terminals, namespaces, signals; and by what is
/// planted where the fleet's own programs might read it. ``shop`` has what they are after.
extension FleetAttacks {
  /// Holds one of each for whoever runs it: `python3 shop.py NUMBER FILE`. FILE names the key once all is there. The key is in a keyring
  /// that ends with the process: what is in a user's own keyring stays, and 200 keys are all that the kernel lets a user have.
  static let shop = #"""
    import ctypes,os,socket,sys,time,platform
    n=int(sys.argv[1]); c=ctypes.CDLL(None,use_errno=True); c.syscall.restype=ctypes.c_long
    keyctl,add=(219,217) if platform.machine()=="aarch64" else (250,248)
    c.syscall(keyctl,1,None)
    key=c.syscall(add,b"user",b"looop-b-%d"%n,b"secret",6,-3)
    c.syscall(keyctl,5,key,0x3f3f0000) # all for its user too, who has not got that keyring
    c.prctl(0x59616d61,ctypes.c_ulong(-1),0,0,0) # Yama lets only a parent trace, unless it is allowed
    ids=[c.shmget(0x10000000+n,4096,0o1600),c.semget(0x10000000+n,1,0o1600),c.msgget(0x10000000+n,0o1600)]
    queue=c.mq_open(b"/looop-b-%d"%n,os.O_CREAT|os.O_RDWR,0o600,None)
    open(f"/dev/shm/looop-b-{n}","w").write("secret")
    os.chmod(f"/dev/shm/looop-b-{n}",0o600)
    s=socket.socket(socket.AF_UNIX); s.bind(f"\0looop-b-{n}"); s.listen(9)
    assert key>=0 and queue>=0 and min(ids)>=0, (key,queue,ids)
    open(sys.argv[2]+".new","w").write(str(key)); os.rename(sys.argv[2]+".new",sys.argv[2])
    time.sleep(120)
    """#

  /// Becomes the words that follow, with a key in a session keyring of its own: `python3 keyring.py FILE PROGRAM …`. FILE names the key.
  static let keyring = #"""
    import ctypes,os,platform,signal,sys
    c=ctypes.CDLL(None); c.syscall.restype=ctypes.c_long
    signal.signal(signal.SIGPIPE,signal.SIG_DFL)
    keyctl,add=(219,217) if platform.machine()=="aarch64" else (250,248)
    assert c.syscall(keyctl,1,None)>=0
    open(sys.argv[1],"w").write(str(c.syscall(add,b"user",b"looop-fleet",b"secret",6,-3)))
    os.execv(sys.argv[2],sys.argv[2:])
    """#

  /// What the shop's owner is to take away after it.
  static let closing = #"""
    rm -f /dev/shm/looop-b-$B_UID
    /usr/bin/python3 -c 'import ctypes,os; ctypes.CDLL(None).mq_unlink(b"/looop-b-"+os.environ["B_UID"].encode())'
    k=$((0x10000000 + B_UID)); ipcrm -M $k -S $k -Q $k
    """#

  /// Makes everything that an attack may name the attacker's own (``TenantAttack/worksOnItself``): after ``prelude``, before its script.
  static let itself = #"""
    O="$PWD/own"
    mkdir -p "$O"/data/{asks,sessions/mend,.lock} "$O"/home/.looop-fleet/b/claude "$O"/{tmp,tree,spool} "$O"/state/sandboxes/b/x "$O"/etc/tenants.d
    for f in data/secret data/.lock/lock open tree/file.txt state/ledger.sqlite state/fleet.lock home/.looop-fleet/b/claude/credentials; do
      echo own >"$O/$f"
    done
    /usr/bin/git init -q "$O/$A"; mkdir -p "$O/$A/.git/worktrees/w"
    mkdir -p "$O/$A/.git/hooks"; touch "$O/$A/.git/worktrees/w/gitdir"
    setsid /usr/bin/python3 "$SHOP" $$ "$O/key" &
    export OWN=1 B_UID=$$ B_PID=$! B_DATA="$O/data" B_HOME="$O/home" B_TMP="$O/tmp" B_REPO="$O/$A" B_TREE="$O/tree"
    export FLEET="$O/state" FLEET_PID=$B_PID SECRET="$O/open" ETC="$O/etc" SPOOL="$O/spool"
    for i in $(seq 200); do [ -e "$O/key" ] && break; sleep 0.05; done
    export B_KEY=$(cat "$O/key") FLEET_KEY=$(cat "$O/key")
    end() { kill -9 $B_PID; \#(closing); }
    trap end EXIT

    """#

  /// Each must be denied.
  static let kernel: [TenantAttack] = [
    .init(
      "finds a key of the supervisor's or of B's", worksOnItself: true,
      ##"""
      /usr/bin/python3 -c 'import ctypes,os,platform
      c=ctypes.CDLL(None); c.syscall.restype=ctypes.c_long; keyctl=219 if platform.machine()=="aarch64" else 250
      room=ctypes.create_string_buffer(99)
      for key in map(int,(os.environ["B_KEY"],os.environ["FLEET_KEY"])):
        if c.syscall(keyctl,11,key,room,99)>=0: print("GOT what is in it")
        if c.syscall(keyctl,8,key,-2)>=0: print("GOT it into a keyring of its own")
        if c.syscall(keyctl,5,key,0x3f3f3f3f)>=0: print("GOT its rights")
      for ring in (-1,-2,-3,-4,-5):
        for name in (b"looop-b-"+os.environ["B_UID"].encode(),b"looop-fleet"):
          if c.syscall(keyctl,10,ring,b"user",name,0)>=0: print("GOT",ring,name)'
      grep -e "looop-b-$B_UID:" -e looop-fleet /proc/keys && echo GOT
      """##),
    .init(
      "types at B's terminal", worksOnItself: true,
      ##"""
      /usr/bin/python3 -c 'import fcntl,glob,os,pty,termios
      own=os.environ.get("OWN"); mine=pty.openpty() if own else None
      for t in glob.glob("/dev/pts/[0-9]*")+["/dev/console","/dev/tty0","/dev/tty1","/dev/ttyS0","/dev/vcs","/dev/vcsa1"]:
        try:
          if (os.stat(t).st_uid==os.getuid())!=bool(own): continue
          f=os.open(t,os.O_RDWR|os.O_NOCTTY); print("GOT",t); fcntl.ioctl(f,termios.TIOCSTI,b"x")
        except OSError: pass'
      """##),
    .init(
      "reads and removes B's shared memory, semaphores and messages", worksOnItself: true,
      ##"""
      /usr/bin/python3 -c 'import ctypes,os
      c=ctypes.CDLL(None); n=int(os.environ["B_UID"]); key=0x10000000+n; c.shmat.restype=ctypes.c_void_p
      seen=[c.shmget(key,0,0),c.semget(key,0,0),c.msgget(key,0)]
      if min(seen)<0: print("there are none")
      if c.shmget(key,0,0o400)>=0 or c.semget(key,0,0o400)>=0 or c.msgget(key,0o400)>=0: print("GOT a right")
      if c.shmat(seen[0],None,0o10000) not in (None,2**64-1): print("GOT the memory")
      if c.mq_open(b"/looop-b-%d"%n,os.O_RDONLY)>=0: print("GOT the queue")
      f=f"/dev/shm/looop-b-{n}"; o=f+"-other"
      for act in (lambda: open(f).read(), lambda: (os.rename(f,o),os.rename(o,f)), lambda: (os.link(f,o),os.unlink(o)), lambda: os.unlink(f)):
        try: act(); print("GOT the file")
        except OSError: pass
      if c.mq_unlink(b"/looop-b-%d"%n)==0: print("GOT rid of the queue")
      if c.shmctl(seen[0],0,None)==0 or c.semctl(seen[1],0,0)==0 or c.msgctl(seen[2],0,None)==0: print("GOT rid of them")'
      """##),
    .init(
      "looks into whatever runs for others, for three seconds", worksOnItself: true,
      ##"""
      /usr/bin/python3 -c 'import os,time
      own=os.environ.get("OWN"); end=time.time()+3; seen=set()
      while time.time()<end:
        for p in filter(str.isdigit,os.listdir("/proc")):
          try:
            if p==str(os.getpid()) or (os.stat("/proc/"+p).st_uid==os.getuid())!=bool(own): continue
          except OSError: continue
          seen.add(p)
          for look in (lambda: os.listdir(f"/proc/{p}/fd"), lambda: os.readlink(f"/proc/{p}/cwd"),
                       lambda: open(f"/proc/{p}/mem","rb"), lambda: open(f"/proc/{p}/environ").read(1),
                       lambda: os.readlink(f"/proc/{p}/exe"), lambda: os.listdir(f"/proc/{p}/map_files"),
                       lambda: open(f"/proc/{p}/stack").read(1)):
            try:
              look(); print("GOT",p,open(f"/proc/{p}/cmdline").read()[:80])
            except (OSError,UnicodeError): pass
      print(len(seen),"were seen")'
      """##),
    .init(
      "signals B and the supervisor by other ways", worksOnItself: true,
      ##"""
      /usr/bin/python3 -c 'import ctypes,os,platform,signal
      c=ctypes.CDLL(None); tgkill=131 if platform.machine()=="aarch64" else 234
      for p in (int(os.environ["B_PID"]),int(os.environ["FLEET_PID"])):
        if c.sigqueue(p,0,None)==0 or c.syscall(tgkill,p,p,0)==0: print("GOT",p)
        try: signal.pidfd_send_signal(os.pidfd_open(p),0); print("GOT",p)
        except OSError: pass
        try: os.sched_setaffinity(p,{0}); print("GOT",p)
        except OSError: pass
        try: os.setpriority(os.PRIO_PROCESS,p,19); print("GOT",p)
        except OSError: pass'
      """##),
    .init(
      "enters B's namespaces", worksOnItself: true,
      #"for n in mnt pid user ipc net; do exec 5</proc/$B_PID/ns/$n && echo GOT; exec 5</proc/$FLEET_PID/ns/$n && echo GOT; done"#
    ),
    .init(
      "mounts B's data where it may look", worksOnItself: true,
      #"""
      mkdir m; unshare -Urm sh -c 'mount --bind "$B_DATA" m && cat m/secret && echo GOT'
      [ -n "$OWN" ] && ! unshare -Ur true && echo "GOT nothing to prove: nobody makes namespaces on this machine"
      """#),
    .init(
      "moves in a control group tree of its own",
      #"mkdir m; unshare -UrCm sh -c 'mount -t cgroup2 none m && echo $$ >m/cgroup.procs && echo GOT'"#),
    .init(
      "has a core file written", worksBeside: true,
      #"""
      ulimit -c unlimited && echo GOT
      /usr/bin/python3 -c 'import os; os.abort()'; ls | grep core && echo GOT
      """#),
    .init(
      "leaves a job for after its stop", worksOnItself: true,
      #"""
      for d in "${SPOOL:-/var/spool/cron}" /var/spool/cron/crontabs /var/spool/at /var/spool/cron/atjobs /etc/cron.d \
        /etc/systemd/system /etc/init.d /etc/profile.d /run/systemd/system /var/lib/systemd/linger; do
        touch "$d/$(id -un)" && echo GOT
      done
      echo '* * * * * true' | crontab - && echo GOT; echo true | at now + 1 minute && echo GOT
      systemd-run --user --on-active=60 true && echo GOT; loginctl enable-linger && echo GOT
      """#),
    .init(
      "has the fleet run programs of its own by its repository and its home",
      worksOnItself: true,
      #"""
      R="${B_REPO%/*}/$A"; E="$PWD/evil.sh"; git=/usr/bin/git
      printf '#!/bin/sh\nid -u >>"%s/ran"\n' "$PWD" >"$E"; chmod 755 "$E"; touch ran; chmod 666 ran
      for k in core.fsmonitor core.sshCommand core.pager core.editor core.askPass diff.external credential.helper \
        core.gitProxy uploadpack.packObjectsHook gpg.program; do
        $git -C "$R" config "$k" "$E"
      done
      hooks="post-checkout pre-commit reference-transaction post-index-change pre-auto-gc"
      for h in $hooks; do cp "$E" "$R/.git/hooks/$h"; done
      for h in ~ "$CLAUDE_CONFIG_DIR" "$CODEX_HOME" "$XDG_CACHE_HOME" "$D"; do
        for f in .bashrc .bash_profile .profile .pam_environment; do echo "BASH_ENV=$E; . $E" >>"$h/$f"; done
        printf '[core]\n\tfsmonitor = %s\n' "$E" >>"$h/.gitconfig"
        mkdir -p "$h/.local/bin"; for f in git looop looop-fleet ssh; do cp "$E" "$h/.local/bin/$f"; done
      done
      w=planted-$$; $LOOOP_BIN _ worker start $w --repo "$A" "$E"
      for i in $(seq 50); do grep -q -e '"exited"' -e '"failed"' "$D/workers/$w.json" && break; sleep 0.2; done
      code http://fleet/v1/tenants/$A/repos/$A/preflight; code http://fleet/v1/sandboxes; post /v1/sandboxes/$A/$w/land '{}'
      [ -n "$OWN" ] && $git -C "$R" status
      sort ran | uniq -c; grep -vx "$([ -n "$OWN" ] && echo none || id -u)" ran && echo GOT
      for k in core.fsmonitor credential.helper; do $git -C "$R" config --unset "$k"; done
      for h in $hooks; do rm "$R/.git/hooks/$h"; done
      for h in ~ "$CLAUDE_CONFIG_DIR" "$CODEX_HOME" "$XDG_CACHE_HOME" "$D"; do rm -r "$h/.local/bin" "$h/.gitconfig"; done
      """#),
  ]
}
