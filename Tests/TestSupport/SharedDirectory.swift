import Glibc
package import SystemPackage
import Tenant

/// Material that some tests need and the package does not carry (the real agents): `LOOOP_SHARED_DIR`, or `shared` beside the
/// package. Tests that use it say `.enabled(if: SharedDirectory.isPresent, "…")`, so that a run without it shows the skip.
package enum SharedDirectory {
  package static let path: FilePath? = {
    if let named = HostEnvironment.current()["LOOOP_SHARED_DIR"] {
      return Directory.exists(FilePath(named)) ? FilePath(named) : nil
    }
    let package = FilePath(#filePath).removingLastComponent().removingLastComponent().removingLastComponent()
    let beside = package.removingLastComponent().appending("shared")
    return Directory.exists(beside) ? beside : nil
  }()

  package static var isPresent: Bool { path != nil }

  package static func has(_ relative: String) -> Bool {
    path.map { access($0.pushing(FilePath(relative)).string, F_OK) == 0 } ?? false
  }
}
