import SystemPackage
import Tenant

/// The host's compiled zone files, as bytes.
enum ZoneFiles {
  static func bytes(_ name: String) throws -> [UInt8] {
    try FileReading.read(FilePath("/usr/share/zoneinfo").appending(FilePath(name).components))
  }
}
