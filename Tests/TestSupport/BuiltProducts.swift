import Glibc
package import SystemPackage
import Tenant

/// Where the binaries of this build lie: beside the test bundle that runs.
package enum BuiltProducts {
  package static let directory: FilePath = {
    if let named = HostEnvironment.current()["LOOOP_TEST_PRODUCTS"] { return FilePath(named) }
    var buffer = [CChar](repeating: 0, count: 4096)
    let count = readlink("/proc/self/exe", &buffer, buffer.count - 1)
    precondition(count > 0, "/proc/self/exe cannot be read")
    return FilePath(String(decoding: buffer[..<count].map(UInt8.init(bitPattern:)), as: UTF8.self))
      .removingLastComponent()
  }()

  package static func path(_ name: String) -> FilePath { directory.appending(name) }

  package static var looop: FilePath { path("looop") }
  package static var looopFleet: FilePath { path("looop-fleet") }

  /// For `.enabled(if:)`: whether the binary was built along with the tests.
  package static func has(_ name: String) -> Bool { access(path(name).string, X_OK) == 0 }
}
