import SystemPackage

/// Sensors' scripts: executable before they become visible, so that no beat ever runs half of one.
package enum SensorFiles {
  package static func write(_ data: DataDir, name: String, script: String) throws {
    try Identifier.check(name, .sensor)
    let text = try PolicyBody.stored(script, "sensor script")
    try Directory.create(data.sensors)
    try FileLock.withDirectory(data.sensors) {
      try AtomicFile.write(text, to: data.sensors.appending("\(name).sh"), mode: 0o755)
    }
  }
}
