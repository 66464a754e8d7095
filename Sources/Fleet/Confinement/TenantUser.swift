import CLinux
import Glibc
package import SystemPackage
package import Tenant

/// A user of this machine, as the system's own data base knows it: who a tenant's processes run as.
package struct TenantUser: Hashable, Sendable {
  package var name: String
  package var uid: UInt32
  package var gid: UInt32
  /// All groups, the primary one too.
  package var groups: [UInt32]
  /// nil: the user has none, or it is no directory.
  package var home: FilePath?

  package init(name: String, uid: UInt32, gid: UInt32, groups: [UInt32], home: FilePath?) {
    self.name = name
    self.uid = uid
    self.gid = gid
    self.groups = groups
    self.home = home
  }

  package enum Failure: Error, Hashable, Sendable, CustomStringConvertible {
    case unknown(String)
    case unreadable(String, CInt)
    case invalidName(String)
    case notCreated(String, String)

    package var description: String {
      switch self {
      case .unknown(let name): "there is no user \(name) on this machine"
      case .unreadable(let name, let number):
        "cannot look up user \(name): \(Errno(rawValue: number).description.lowercased())"
      case .invalidName(let name):
        "\(name) cannot be a user's name: small letters, digits, - and _, at most 32, and a letter or _ first"
      case .notCreated(let name, let why): "cannot create user \(name): \(why)"
      }
    }
  }

  /// By name, or by number where the text is one.
  package static func lookup(_ text: String) throws(Failure) -> TenantUser {
    try unsafe lookup(text) { entry, buffer, result in
      if let uid = UInt32(text) {
        unsafe getpwuid_r(uid, entry, buffer.baseAddress!, buffer.count, result)
      } else {
        unsafe getpwnam_r(text, entry, buffer.baseAddress!, buffer.count, result)
      }
    }
  }

  /// Who this process runs as. A user that the data base does not know (a container's) has a number and `HOME`.
  package static func current(_ environment: HostEnvironment) -> TenantUser {
    let uid = getuid()
    // Losing the reason is right here: we run as this user already, whatever the data base says.
    if let known = try? lookup(String(uid)) { return known }
    let home = environment["HOME"].map { FilePath($0) }.flatMap { Directory.exists($0) ? $0 : nil }
    return TenantUser(name: String(uid), uid: uid, gid: getgid(), groups: [getgid()], home: home)
  }

  private typealias Query = (
    UnsafeMutablePointer<passwd>, UnsafeMutableBufferPointer<CChar>, UnsafeMutablePointer<UnsafeMutablePointer<passwd>?>
  ) -> CInt

  private static func lookup(_ text: String, _ query: Query) throws(Failure) -> TenantUser {
    var size = 1024
    while true {
      var entry = unsafe passwd()
      var found: UnsafeMutablePointer<passwd>?
      var buffer = [CChar](repeating: 0, count: size)
      let (status, user) = unsafe buffer.withUnsafeMutableBufferPointer { room -> (CInt, TenantUser?) in
        let status = unsafe query(&entry, room, &found)
        guard status == 0, unsafe found != nil else { return (status, nil) }
        return unsafe (status, TenantUser(entry))
      }
      if let user { return user }
      // A directory service may have long entries; beyond 1 MiB it is not an entry any more.
      if status == ERANGE, size < 1 << 20 {
        size *= 2
        continue
      }
      // "Not found" has many numbers, see getpwnam(3).
      guard [0, ENOENT, ESRCH, EBADF, EPERM].contains(status) else { throw .unreadable(text, status) }
      throw .unknown(text)
    }
  }

  private init(_ entry: passwd) {
    name = unsafe String(cString: entry.pw_name)
    uid = unsafe entry.pw_uid
    gid = unsafe entry.pw_gid
    let directory = unsafe FilePath(String(cString: entry.pw_dir))
    // "/" is what service users have who have none.
    home = directory.isAbsolute && directory != "/" && Directory.exists(directory) ? directory : nil
    groups = Self.groups(of: name, gid: gid)
  }

  private static func groups(of name: String, gid: UInt32) -> [UInt32] {
    var count: CInt = 64
    while true {
      var list = [gid_t](repeating: 0, count: Int(count))
      let capacity = count
      if unsafe clinux_group_list(name, gid, &list, &count) >= 0 { return Array(list.prefix(Int(count))).sorted() }
      // Too little room: `count` is what it needs now. More than 65,536 groups Linux does not know.
      guard count > capacity, count <= 65536 else { return [gid] }
    }
  }
}

extension TenantUser {
  /// Makes a system user with a group and a home of its own and no password (`tenant add --create-user`). One that is there already
  /// is taken as it is.
  package static func create(_ name: String, home: FilePath) throws(Failure) -> TenantUser {
    guard isValidName(name) else { throw .invalidName(name) }
    do throws(Failure) {
      return try lookup(name)
    } catch .unknown {
      // To be made, below.
    }
    var command = Spawn(
      "/usr/sbin/useradd",
      [
        "--system", "--user-group", "--create-home", "--home-dir", home.string, "--shell", "/usr/sbin/nologin",
        // Other tenants have no business in there, whatever this host's login defaults say.
        "--key", "UMASK=077", "--key", "HOME_MODE=0700", "--comment", "looop-fleet tenant", name,
      ],
      environment: HostEnvironment(["PATH": "/usr/sbin:/usr/bin:/sbin:/bin"]))
    command.directory = "/"
    let outcome = BoundedRun(command, deadline: 30).run()
    guard outcome.reason.succeeded else {
      let said = String(decoding: outcome.errors, as: UTF8.self).split(separator: "\n").last.map(String.init)
      throw .notCreated(name, said ?? "useradd ended with \(outcome.reason.shellCode)")
    }
    return try lookup(name)
  }

  package static func isValidName(_ name: String) -> Bool {
    guard let first = name.utf8.first, name.utf8.count <= 32 else { return false }
    let small = UInt8(ascii: "a")...UInt8(ascii: "z")
    guard small.contains(first) || first == UInt8(ascii: "_") else { return false }
    return name.utf8.allSatisfy {
      small.contains($0) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) || $0 == UInt8(ascii: "_")
        || $0 == UInt8(ascii: "-")
    }
  }
}
