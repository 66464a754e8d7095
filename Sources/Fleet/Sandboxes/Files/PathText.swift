import SystemPackage

/// A path as text that JSON can hold: file names are bytes, so what is not plain text is written as `%XX`, and comes back
/// to the byte.
enum PathText {
  static func encode(_ path: FilePath) -> String { encode(bytes(path)) }

  static func encode(_ bytes: [UInt8]) -> String {
    var text = ""
    for byte in bytes {
      if (33...126).contains(byte), byte != UInt8(ascii: "%") {
        text.unicodeScalars.append(Unicode.Scalar(byte))
      } else {
        let digits = String(byte, radix: 16, uppercase: true)
        text += "%" + (digits.count < 2 ? "0" : "") + digits
      }
    }
    return text
  }

  /// `nil` for what `encode` cannot have written, and for anything that would leave the tree.
  static func decode(_ text: String) -> FilePath? {
    guard let decoded = decodeBytes(text), !decoded.contains(0) else { return nil }
    var bytes = decoded.map { CChar(bitPattern: $0) }
    bytes.append(0)
    let path = unsafe bytes.withUnsafeBufferPointer { unsafe FilePath(platformString: $0.baseAddress!) }
    guard !path.isAbsolute, !path.isEmpty,
      path.components.allSatisfy({ $0.kind == .regular && $0.string.lowercased() != ".git" })
    else { return nil }
    return path
  }

  static func decodeBytes(_ text: String) -> [UInt8]? {
    var bytes: [UInt8] = []
    var rest = Array(text.utf8)[...]
    while let byte = rest.popFirst() {
      guard byte == UInt8(ascii: "%") else {
        bytes.append(byte)
        continue
      }
      guard rest.count >= 2, let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16) else {
        return nil
      }
      bytes.append(value)
      rest = rest.dropFirst(2)
    }
    return bytes
  }

  static func bytes(_ path: FilePath) -> [UInt8] {
    unsafe path.withPlatformString { text in
      var bytes: [UInt8] = []
      var cursor = unsafe text
      while unsafe cursor.pointee != 0 {
        bytes.append(UInt8(bitPattern: unsafe cursor.pointee))
        unsafe cursor += 1
      }
      return bytes
    }
  }
}
