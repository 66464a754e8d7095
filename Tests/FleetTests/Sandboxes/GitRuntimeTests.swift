import Glibc
import Testing

@testable import Fleet

@Suite struct GitRuntimeTests {
  @Test func `libgit2 reads no certificates as it starts`() throws {
    try GitRuntime.start()
    typealias Reading = @convention(c) (OpaquePointer?, UnsafePointer<CChar>?) -> CInt
    // What libgit2 itself finds under this name, where it was built with this TLS library.
    let found = try #require(dlsym(nil, "mbedtls_x509_crt_parse_file"))
    let read = unsafeBitCast(found, to: Reading.self)
    // The real one says another number where it is given nothing to read into.
    #expect(read(nil, "/etc/ssl/certs/ca-certificates.crt") == -0x2900)
  }
}
