import Glibc

/// What the system's user database says. A value of functions, so that a test has its own users.
package struct UserLookup: Sendable {
  package struct User: Hashable, Sendable {
    package var name: String
    /// Primary and supplementary groups.
    package var groups: Set<UInt32>

    package init(name: String, groups: Set<UInt32>) {
      self.name = name
      self.groups = groups
    }
  }

  package var user: @Sendable (_ uid: UInt32) -> User?
  package var group: @Sendable (_ name: String) -> UInt32?

  package init(
    user: @escaping @Sendable (_ uid: UInt32) -> User?, group: @escaping @Sendable (_ name: String) -> UInt32?
  ) {
    self.user = user
    self.group = group
  }

  package static let system = UserLookup(user: { systemUser($0) }, group: { systemGroup($0) })

  /// Room for one entry; a directory service may return long ones.
  private static let bufferBytes = 1 << 16

  private static func systemUser(_ uid: UInt32) -> User? {
    var record = unsafe passwd()
    var result: UnsafeMutablePointer<passwd>?
    var buffer = [CChar](repeating: 0, count: bufferBytes)
    return unsafe buffer.withUnsafeMutableBufferPointer { bytes -> User? in
      guard unsafe getpwuid_r(uid, &record, bytes.baseAddress!, bytes.count, &result) == 0, unsafe result != nil else {
        return nil
      }
      let name = unsafe String(cString: record.pw_name)
      return User(name: name, groups: groups(of: name, primary: unsafe record.pw_gid))
    }
  }

  /// A user's numbers by his name.
  package static func systemUser(named name: String) -> (uid: UInt32, gid: UInt32)? {
    var record = unsafe passwd()
    var result: UnsafeMutablePointer<passwd>?
    var buffer = [CChar](repeating: 0, count: bufferBytes)
    return unsafe buffer.withUnsafeMutableBufferPointer { bytes -> (uid: UInt32, gid: UInt32)? in
      guard unsafe getpwnam_r(name, &record, bytes.baseAddress!, bytes.count, &result) == 0, unsafe result != nil else {
        return nil
      }
      return unsafe (record.pw_uid, record.pw_gid)
    }
  }

  private static func groups(of name: String, primary: UInt32) -> Set<UInt32> {
    var count: CInt = 64
    var list = [gid_t](repeating: 0, count: Int(count))
    if unsafe getgrouplist(name, primary, &list, &count) < 0 {
      // `count` now says how many there are.
      list = [gid_t](repeating: 0, count: Int(max(count, 1)))
      guard unsafe getgrouplist(name, primary, &list, &count) >= 0 else { return [primary] }
    }
    return Set(list.prefix(Int(count)))
  }

  private static func systemGroup(_ name: String) -> UInt32? {
    var record = unsafe Glibc.group()
    var result: UnsafeMutablePointer<Glibc.group>?
    var buffer = [CChar](repeating: 0, count: bufferBytes)
    return unsafe buffer.withUnsafeMutableBufferPointer { bytes -> UInt32? in
      guard unsafe getgrnam_r(name, &record, bytes.baseAddress!, bytes.count, &result) == 0, unsafe result != nil else {
        return nil
      }
      return unsafe record.gr_gid
    }
  }
}
